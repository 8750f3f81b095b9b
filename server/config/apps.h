// The keys whose values take more than a line to read or to show. Called by the table in key_table.cc.
#pragma once

namespace forklift::config {

class Value;
struct Key;
struct Node;
struct Subject;

inline constexpr unsigned kWorkersMax = 10'000;

void read_log_file(Value& value);           // "-", syslog, journal, a path
void read_control(Value& value);            // the path of a Unix socket
void read_access_log_file(Value& value);    // a path
void read_access_log_format(Value& value);  // combined, json, a text with fields
void read_apps(Value& value);               // a list of maps
void read_app_name(Value& value);           // [a-z0-9_-]+
void read_listen(Value& value);             // one listener or a list of them
void read_listen_address(Value& value);     // the address of one that is written as a map
void read_workers(Value& value);            // min and max, which have to agree
void read_probe(Value& value);              // a method and a URI
void read_settings(Value& value);           // anything

Node show_section(const Subject& subject, const Key& key);
Node show_log_file(const Subject& subject, const Key& key);
Node show_access_log_file(const Subject& subject, const Key& key);
Node show_access_log_format(const Subject& subject, const Key& key);
Node show_apps(const Subject& subject, const Key& key);
Node show_app_name(const Subject& subject, const Key& key);
Node show_listen(const Subject& subject, const Key& key);
Node show_listen_address(const Subject& subject, const Key& key);
Node show_probe(const Subject& subject, const Key& key);
Node show_settings(const Subject& subject, const Key& key);

}  // namespace forklift::config

// The keys whose values take more than a line to read. Called by the table in key_table.cc.
#pragma once

namespace forklift::config {

class Value;

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

}  // namespace forklift::config

// The keys whose values take more than a line to read. Called by the table in keys.cc.
#pragma once

namespace forklift::config {

class Value;

inline constexpr unsigned kWorkersMax = 10'000;

void read_log_file(Value& value);           // "-", a path; later: syslog, journal
void read_access_log_file(Value& value);    // a path
void read_access_log_format(Value& value);  // combined, json, a text with fields
void read_apps(Value& value);               // a list of maps, at least one
void read_app_name(Value& value);           // [a-z0-9_-]+
void read_listen(Value& value);             // one listener or a list of them
void read_listen_address(Value& value);     // the address of one that is written as a map
void read_workers(Value& value);            // min and max, which have to agree

}  // namespace forklift::config

// `defaults`: what all apps have in common. Merged into the tree of each app before that is read, so that what is wrong
// is told with the place where it was written.
#pragma once

#include <string_view>

namespace forklift::config {

class Value;
struct Node;
struct Reading;

// Whether the key `name` of an app may stand in `defaults`: not `name`, `plugin` and `listen`.
bool may_be_default(std::string_view name);

// Complains about what is wrong with `defaults` itself, whether an app uses it or not.
void read_defaults(Value& value);

// The app `item` with what it has not from `defaults`. Maps are merged key by key at every depth, also those of
// `settings` and `environment`; where both have another value, a list or nothing, the app's own replaces the default.
Node with_defaults(Reading& reading, const Node& item);

}  // namespace forklift::config

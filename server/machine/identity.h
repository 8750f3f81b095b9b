// Names of users and groups become numbers.
#pragma once

#include "base/identity.h"
#include "base/result.h"
#include "config/config.h"

namespace forklift::machine {

// Who the app's workers are to be: its `user` with the groups that the user has, and `group` in place of the user's own
// where it is named. A master that runs as root insists on a `user`, and changes to it even if that is root; one that
// does not run as root cannot change users, and warns where the app asks for another one than its own.
//
// The names are looked up in a process of its own: modules of NSS (nsswitch.conf(5)) may wait for a server somewhere,
// start threads and load any library, and none of that may happen in the master. It has five seconds; the caller waits
// for it.  [master, before it serves; loader; check]
Result<Identity> look_up(const config::App& app);

// Whose a file is to be, as chown(2) wants it: the largest number leaves what is there.
struct Ownership {
  uid_t user = static_cast<uid_t>(-1);
  gid_t group = static_cast<gid_t>(-1);
};

// The owner and the group of a listener's path; empty ones stay as they are. Looked up in the same way.
// [master, before it serves; loader]
Result<Ownership> look_up_owner(const std::string& owner, const std::string& group);

}  // namespace forklift::machine

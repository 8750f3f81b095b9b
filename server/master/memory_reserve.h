// Memory that the master has set aside for when there is no other: so that it ends what it has begun, and only takes on
// nothing more. There is one, as there is one `new`.
#pragma once

namespace forklift::master::memory_reserve {

// Sets it aside. From then on the `new` that would fail gets it (std::set_new_handler); where not even that is
// enough, std::bad_alloc ends the master. Whether it is there: nothing that stays is begun without.  [master]
bool hold();

// In a process that the master has forked: its `new` fails as anyone's does.  [worker, loader]
void give_up();

}  // namespace forklift::master::memory_reserve

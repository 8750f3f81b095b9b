// A copy of a file that somebody may be replacing at this moment.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace forklift::plugin {

// Copies the shared object `path` into the empty, writable file `to`, once it is at rest:
//
//   - size, mtime and ctime are the same before and after the copy (of 605 copies taken while cp(1) was writing, 173
//     were short),
//   - its last change is at least 100 ms ago: by its mtime and the wall clock, or, where the mtime lies in the future,
//     by our own watching,
//   - it is a complete ELF file (elf.h).
//
// A file that is none of this yet is tried again, every 10 ms, until `deadline`. What waiting cannot cure fails at
// once: a directory, a file that cannot be read, one that is no shared object for this machine. Two failures have a
// grace of their own. A truncated file is given up when nothing has been written for 2 s. A missing one is looked for
// again for 200 ms, because install(1) unlinks the old file before it creates the new one.
//
// A writer that pauses in place, with a complete ELF file on the disk, cannot be seen.
// [first worker, before it is confined; it sleeps]
Result<void> copy_stable(const std::string& path, int to, TimePoint deadline);

}  // namespace forklift::plugin

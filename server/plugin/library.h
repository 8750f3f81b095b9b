// From an image to a plugin that may be called: the steps LOADED and CHECKED of a worker.
#pragma once

#include <string>

#include <forklift/plugin.h>

#include "base/result.h"
#include "plugin/elf.h"

namespace forklift::plugin {

// Looks whether the image's note names a version or a name that check() refuses: said before open_image(), so that
// nothing of a plugin of another version runs, not even a static constructor. Fine where there is no note, or it cannot
// be read: the rest is for open_image() and check() to find out. The error is that of check().  [worker]
Result<void> check_note(int image_fd);

// The same of a note that was read: version and name.  [anywhere]
Result<void> check_note(const Note& note);

// dlopen(3), with every symbol bound now and none of them visible to others. `shown` is the name by which people know
// what is opened as `path`, and the error's.  [worker, `call`]
Result<void*> open_library(const std::string& path, const std::string& shown);

// Opens the image, with every symbol bound now and none of them visible to others, and returns dlopen(3)'s handle. This
// runs the plugin's static constructors. Never undone: dlclose(3) would leave thread-local destructors and unique
// symbols behind.
//
// `plugin_path` is the file that the configuration names. $ORIGIN means its folder, although the image lies elsewhere:
// the libraries that the plugin needs (DT_NEEDED) and that lie in an $ORIGIN folder of its DT_RUNPATH are opened from
// there first; the loader then finds them by their SONAME, and their own libraries by their own DT_RUNPATH.
//
// Once in a process: the loader takes a second image with the same descriptor number for the first one. `image_fd`
// stays the caller's and must stay open: gdb and perf read the symbols through it. Errors name `plugin_path` and the
// loader's reason. [worker]
Result<void*> open_image(int image_fd, const std::string& plugin_path);

// Calls the plugin's entry function, for the first and only time, and checks the descriptor: version, size, name,
// and that it can answer. Reads nothing beyond the size that the descriptor states. Errors name what the plugin has and
// what the server wants. The result is valid until the process ends.  [worker]
Result<const forklift_plugin*> check(void* handle);

// The rule that check() keeps, as a pure function: the same major, and a minor that is not above the host's.
Result<void> check_version(const forklift_version& plugin, const forklift_version& host);

}  // namespace forklift::plugin

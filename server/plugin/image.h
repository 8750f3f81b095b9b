// The image: the bytes of a plugin that one generation runs. A copy that nobody can change any more, so that
// overwriting the file on the disk harms no worker, and a worker that starts an hour later runs the same code.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift::plugin {

// Copies the plugin `plugin_path` into a new image, as stable_copy.h describes: it waits, until `deadline`, for a file
// that is being written.
//
// The image is a sealed memfd with the name `forklift:LABEL`; `label` is APP.GENERATION. Where a memfd cannot be
// executed (old kernels, vm.memfd_noexec=2, security modules) it is a read-only file without a name in `runtime_dir`,
// if the file system there is executable; on Debian 12, /run is not. The error says why neither could be had. Nothing
// stays behind on the disk. Where this process is root, a plugin that others may write to is refused (code_path.h).
// [first worker, before it is confined; it sleeps]
Result<UniqueFd> make_image(const std::string& plugin_path, const std::string& label, const std::string& runtime_dir,
                            TimePoint deadline);

}  // namespace forklift::plugin

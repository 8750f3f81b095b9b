#include "ipc/message.h"

namespace forklift::ipc {

std::string_view to_string(Step step) {
  switch (step) {
    case Step::kForked: return "FORKED";
    case Step::kImaged: return "IMAGED";
    case Step::kConfined: return "CONFINED";
    case Step::kLoaded: return "LOADED";
    case Step::kChecked: return "CHECKED";
    case Step::kCreated: return "CREATED";
    case Step::kReady: return "READY";
  }
  return "START";
}

}  // namespace forklift::ipc

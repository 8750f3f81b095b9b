#include "config/print.h"

#include "config/show.h"
#include "config/yaml_writer.h"

namespace forklift::config {

std::string print(const Config& config) {
  return write_yaml(show_keys({config}, ""));
}

}  // namespace forklift::config

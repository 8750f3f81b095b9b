// What a plugin's file says of itself, read without mapping or running any of it.
//
// Every offset and count in the file is taken for hostile: it is checked against the file's size before it is used, and
// all reading is pread(2), so that a file which somebody truncates meanwhile gives an error and not a SIGBUS.
//
// Error messages continue a sentence that begins with the file's name: `is not an ELF file`.
#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace forklift::plugin {

// The code() of an error which says that bytes are missing. Waiting may cure it, because somebody may still be writing
// the file; it cures no other error of this header.
inline constexpr int kIncomplete = ENODATA;

// FORKLIFT_NOTE of forklift/plugin.h: what `forklift inspect` shows of a plugin without running it.
struct Note {
  std::uint16_t major = 0;  // of the API that it was built against
  std::uint16_t minor = 0;
  std::string name;
  std::string plugin_version;
};

// All strings are bytes from the file, of at most 4096 bytes each: quote them where they are printed.
struct ElfInfo {
  std::string machine;       // for people: `x86-64`, `ppc64 (big-endian)`
  bool is_loadable = false;  // it is for this machine
  std::string soname;
  std::vector<std::string> needed;   // DT_NEEDED, in the file's order
  std::vector<std::string> runpath;  // folders of DT_RUNPATH, else of DT_RPATH, with $ORIGIN as it was written
  std::string build_id;              // hex; empty if there is none
  std::optional<Note> note;
  bool has_entry = false;   // exports forklift_plugin_v1
  std::string other_entry;  // an entry point of another major, if it exports one: `forklift_plugin_v2`
};

// Reads what the dynamic loader would see: segments, not sections. The file may be for another machine, of 32 or 64
// bits and either byte order.  [anywhere but the master]
Result<ElfInfo> read_elf(int fd);

// Fails unless the file is a shared object for this machine and as long as its headers say: all that is loaded, and the
// section table, which linkers write last, lie within it.  [anywhere but the master]
Result<void> check_complete(int fd);

}  // namespace forklift::plugin

# Writes OUTPUT, the source of all_templates() (templates.h), from the FILES in FOLDER, each of which is LANGUAGE/PATH.
set(text "// Made by embed.cmake.\n#include \"cli/templates.h\"\n\nnamespace forklift::cli {\n\nnamespace {\n\n")
string(APPEND text "constexpr Template kTemplates[] = {\n")
foreach(file ${FILES})
  # In hex, as CMake's lists would take brackets and semicolons for their own.
  file(READ ${FOLDER}/${file} hex HEX)
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${hex}")
  # A line of the file is a line of the source.
  string(REPLACE "\\x0a" "\\x0a\"\n     \"" bytes "${bytes}")
  string(REGEX MATCH "^[^/]+" language ${file})
  string(REGEX REPLACE "^[^/]+/(.*)$" "\\1" path ${file})
  string(APPEND text "    {\"${language}\", \"${path}\",\n     \"${bytes}\"},\n")
endforeach()
string(APPEND text "};\n\n}  // namespace\n\nstd::span<const Template> all_templates() {\n  return kTemplates;\n}\n\n}  // namespace forklift::cli\n")
file(WRITE ${OUTPUT} "${text}")

// A library whose interface is all that plugin.h declares, for abidiff(1) and abidw(1): each struct that somebody hands
// to somebody else, and each enumeration. In C++, where an enumerator has the type of its enumeration.
#include <forklift/plugin.h>

#define EXPOSE extern "C" FORKLIFT_EXPORT void

EXPOSE expose_plugin(forklift_plugin*);  // and all that its functions take
EXPOSE expose_plugin(forklift_plugin*) {}

EXPOSE expose_entry(forklift_plugin_entry);
EXPOSE expose_entry(forklift_plugin_entry) {}

EXPOSE expose_note(forklift_note*);
EXPOSE expose_note(forklift_note*) {}

EXPOSE expose_enumerations(decltype(FORKLIFT_OK)*, decltype(FORKLIFT_WAIT_OUT)*, decltype(FORKLIFT_SETTING_MAP)*,
                           decltype(FORKLIFT_LOG_INFO)*);
EXPOSE expose_enumerations(decltype(FORKLIFT_OK)*, decltype(FORKLIFT_WAIT_OUT)*, decltype(FORKLIFT_SETTING_MAP)*,
                           decltype(FORKLIFT_LOG_INFO)*) {}

// Reloads under constant load, with plugins and configurations that change, break and come back meanwhile.
#pragma once

namespace harness {

// So many reloads, while 16 clients ask: on listeners that exist before and after each of them, over TCP and a Unix
// socket, small pages and pages of a megabyte. Each answer is a whole page of one version, and whoever asks behind a
// reload is answered by what it has brought. Failures go to GoogleTest.
void weather_reloads(int count);

}  // namespace harness

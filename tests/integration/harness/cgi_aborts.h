// Clients that leave in the middle of programs, in every way and at every moment, and what must not be left of it.
#pragma once

namespace harness {

// `count` of them, by turns, on TCP and Unix sockets, while some workers have programs that ignore TERM.
void abort_programs(int count);

}  // namespace harness

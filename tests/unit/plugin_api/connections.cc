// A plugin in C++ that has the connection itself: gives back what it was given, or fails as that says.
#include <sys/socket.h>

#include <forklift/plugin.hpp>
#include <stdexcept>

class Connections : public forklift::ConnectionPlugin {
 public:
  void handle_connection(const forklift::Connection& connection) override {
    const auto head = connection.head();
    if (head == "throw") throw std::runtime_error("the line is busy");
    if (head == "int") throw 42;
    if (::send(connection.fd(), head.data(), head.size(), MSG_NOSIGNAL) < 0) throw std::runtime_error("nobody there");
  }
};

FORKLIFT_PLUGIN_CLASS(Connections, "connections", "1.0");

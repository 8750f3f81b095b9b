// Gives the body back, with the request's content type, in constant memory whatever its size:
//
//     /            when all of it has come: a long one waits in an unlinked temporary file
//     /?stream     while it comes, for clients that read and write at the same time
//     /?sha256     its SHA-256 in hexadecimal instead
//
// Why not always `stream`: nginx stops sending a request's body once the response has begun (1.22 cut 100 MB off at
// 6.9 MB), and a client that reads only after it has written everything would wait for ever.
//
// SHA-256 is libcrypto's and not Poco's SHA2Engine: it uses the processor's own instructions (847 against 161 MB/s
// where it was tried), and it is a C library with versioned symbols. The server runs on Poco, and a plugin that shared
// a C++ library with its host would have to be rebuilt whenever the host is.
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <forklift/plugin.hpp>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Digest = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

// libcrypto returns 1 for success.
void check_digest(int result) {
  if (result != 1) throw std::runtime_error("libcrypto: SHA-256 failed");
}

[[noreturn]] void fail_file(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

class Echo : public forklift::Plugin {
 public:
  void produce(const forklift::Env& env, forklift::Body& body, forklift::Out& out) override {
    const std::string_view query = env["QUERY_STRING"];
    if (query == "sha256") return digest(body, out);
    if (query == "stream") return stream(env, body, out);
    if (body.length() <= buffer_.size()) return give_back(env, body, out);
    give_back_from_file(env, body, out);
  }

 private:
  // Declares the whole length first: if the body then breaks off, nobody takes the part for the whole.
  static void begin(const forklift::Env& env, const forklift::Body& body, forklift::Out& out) {
    const std::string_view type = env["CONTENT_TYPE"];
    out.begin(200, {{"Content-Type", type.empty() ? "application/octet-stream" : type},
                    {"Content-Length", std::to_string(body.length())}});
  }

  // Calls `take` with one piece of the body after the other.
  template <class Take>
  void for_each_piece(forklift::Body& body, const Take& take) {
    while (const std::size_t count = body.read(buffer_.data(), buffer_.size())) {
      take(std::string_view(buffer_.data(), count));
    }
  }

  void stream(const forklift::Env& env, forklift::Body& body, forklift::Out& out) {
    begin(env, body, out);
    for_each_piece(body, [&out](std::string_view piece) { out.write(piece); });
  }

  void give_back(const forklift::Env& env, forklift::Body& body, forklift::Out& out) {
    const std::string all = body.read_all(buffer_.size());
    begin(env, body, out);
    out.write(all);
  }

  void give_back_from_file(const forklift::Env& env, forklift::Body& body, forklift::Out& out) {
    const File file(std::tmpfile());
    if (!file) fail_file("making a temporary file");
    for_each_piece(body, [&file](std::string_view piece) {
      if (std::fwrite(piece.data(), 1, piece.size(), file.get()) != piece.size()) fail_file("writing a temporary file");
    });
    if (std::fflush(file.get()) != 0) fail_file("writing a temporary file");
    begin(env, body, out);
    out.send_file(fileno(file.get()), 0, body.length());
  }

  void digest(forklift::Body& body, forklift::Out& out) {
    const Digest context(EVP_MD_CTX_new());
    if (!context) throw std::bad_alloc();
    check_digest(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr));
    for_each_piece(body, [&context](std::string_view piece) {
      check_digest(EVP_DigestUpdate(context.get(), piece.data(), piece.size()));
    });
    std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
    unsigned size = 0;
    check_digest(EVP_DigestFinal_ex(context.get(), sum.data(), &size));

    std::string text;
    for (unsigned i = 0; i < size; ++i) {
      static constexpr char kDigits[] = "0123456789abcdef";
      text += kDigits[sum[i] >> 4];
      text += kDigits[sum[i] & 15];
    }
    out.begin(200, {{"Content-Type", "text/plain"}});
    out.write(text + "\n");
  }

  std::array<char, 64 * 1024> buffer_;
};

FORKLIFT_PLUGIN_CLASS(Echo, "echo", "1.0");

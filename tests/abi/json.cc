// A plugin with forklift/web/json.hpp: sums up what is posted to it.
#include <forklift/web.hpp>
#include <forklift/web/json.hpp>

namespace web = forklift::web;

class Sum : public web::WebPlugin {
 public:
  void serve(const forklift::Env& env, forklift::Body& body, forklift::Out& out) override {
    web::allow(env, "POST");
    const auto asked = web::require_object(web::read_json(env, body));
    const auto unit = web::require_member<std::string>(asked, "unit");
    const auto factor = web::require_member<double>(asked, "factor") * web::require_member<int>(asked, "times");
    const auto numbers = asked->getArray("numbers");
    if (!numbers) throw web::Refusal(400, "there are no numbers");
    double sum = 0;
    for (const auto& number : *numbers) {
      if (!number.isNumeric()) throw web::Refusal(400, "there is something else among the numbers");
      sum += number.convert<double>();
    }
    Poco::JSON::Object answer;
    answer.set("sum", sum * factor);
    answer.set("unit", unit);
    answer.set("exact", web::require_member<bool>(asked, "exact"));
    web::respond_json(out, 200, answer);
  }
};

FORKLIFT_PLUGIN_CLASS(Sum, "sum", "1.0");

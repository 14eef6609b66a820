#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "cli/checks.hpp"
#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "cli/web_page.hpp"
#include "core/device_threads.hpp"
#include "core/format.hpp"
#include "secgan/bundle/bundle.hpp"
#include "secgan/core/device.hpp"
#include "secgan/editing/editor.hpp"
#include "secgan/nn/engine.hpp"
#include "serve/access.hpp"
#include "serve/service.hpp"

namespace secgan::cli {
namespace {

struct ServeOptions {
  std::string model, device = "auto", engine = "auto", title = WebPage().title, detector;
  serve::ServiceOptions service;
  int64_t port = serve::ServiceOptions().port, max_megabytes = 32, max_photos = static_cast<int64_t>(serve::PhotoLimits().photos),
          requests_per_minute = static_cast<int64_t>(serve::ServiceOptions().requests_per_minute);
  bool verbose = false;
};

void serve_until_stopped(const ServeOptions& options) {
  stop_on_signals();
  const Device device = find_device(options.device);
  const Engine engine = find_engine(options.engine);
  // The same question has the same answer, however many came before.
  const Compiling compiling = engine == Engine::kAuto ? Compiling::kNever : Compiling::kAtOnce;
  const Bundle bundle = load_bundle(options.model);
  const WebPage page{.title = options.title, .detector = page_detector(options.detector, bundle, options.model, "the server")};
  serve::ApiOptions api{.most_bytes = static_cast<uint64_t>(options.max_megabytes) << 20};
  api.limits.photos = static_cast<size_t>(options.max_photos);
  if (page.detector) api.detector = *page.detector;
  const serve::Files files = served_page(bundle, page, api.most_bytes);

  serve::ServiceOptions how = options.service;
  how.port = static_cast<uint16_t>(options.port);
  how.requests_per_minute = static_cast<double>(options.requests_per_minute);
  how.threads = threads_for(device, how.threads);
  if (options.verbose) how.log = [](const std::string& line) { tell("{}", line); };
  serve::Service service(how, Editor(bundle, {.device = device, .engine = engine, .compiling = compiling}), files, api);
  if (!serve::is_loopback(how.host)) {
    tell("--host {}: whoever reaches this machine can ask, and photos travel unencrypted: put a proxy with TLS before it (docs/web.md)",
         how.host);
  }
  say("{}", service.address());
  flush_results();  // programs wait for the line, and without it nobody finds the server
  if (std::ferror(stdout) != 0) return;
  constexpr std::chrono::milliseconds kLook{100};
  while (!stop_requested) {
    std::this_thread::sleep_for(kLook);
    service.tidy();
  }
  throw Stopped("stopped; the photos are forgotten");
}

}  // namespace

void add_serve(CLI::App& app) {
  CLI::App& command =
      *app.add_subcommand("serve", "edit photos in browsers and by HTTP, for bundles that are too large for a browser (docs/web.md)");
  auto options = std::make_shared<ServeOptions>();
  command.add_option("model", options->model, "the bundle's folder")->required()->type_name("MODEL");
  command.add_option("--host", options->service.host, "the address to listen on; 0.0.0.0 and ::, too, are others' than this machine's")
      ->capture_default_str()
      ->type_name("HOST");
  command.add_option("--port", options->port, "0: a free one, which the first line of the output names")
      ->capture_default_str()
      ->type_name("N")
      ->check(whole_number_in(0, 65535));
  command
      .add_option("--allow-host", options->service.names,
                  "another name of this server in requests, as a proxy's (repeatable); others than that and the host's are refused")
      ->allow_extra_args(false)
      ->type_name("NAME");
  command.add_option("--device", options->device, kDeviceHelp)->capture_default_str()->type_name("NAME");
  command
      .add_option(
          "--engine", options->engine,
          "what runs the generator; auto: the plain modules, and a PNG is secgan edit's to the bit; libtorch and openvino (where it is "
          "there) compile it, which is faster on a CPU and the same to rounding")
      ->capture_default_str()
      ->type_name("NAME");
  command.add_option("--threads", options->service.threads, "CPU threads; 0: OMP_NUM_THREADS, or as many as are measured to be fastest")
      ->capture_default_str()
      ->type_name("N")
      ->check(whole_number_in(0, 1024));
  command.add_option("--title", options->title, "the page's title")->capture_default_str()->type_name("TEXT");
  command
      .add_option("--detector", options->detector,
                  "a face detector's file, of secgan import --from facenet-pytorch; default: the installed one")
      ->type_name("FILE");
  command.add_option("--max-megabytes", options->max_megabytes, "largest file of a photo")
      ->capture_default_str()
      ->type_name("N")
      ->check(whole_number_in(1, 1024));
  command.add_option("--max-photos", options->max_photos, "photos that are kept in memory; the one used longest ago goes first")
      ->capture_default_str()
      ->type_name("N")
      ->check(whole_number_in(1, 10000));
  command.add_option("--requests-per-minute", options->requests_per_minute, "of one address; 0: no limit")
      ->capture_default_str()
      ->type_name("N")
      ->check(whole_number_in(0, 1000000));
  command.add_flag("--verbose", options->verbose, "a line for each request on standard error");
  command.callback([=] { serve_until_stopped(*options); });
}

}  // namespace secgan::cli

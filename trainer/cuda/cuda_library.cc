// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/cuda_library.h"

#include <system_error>
#include <variant>

#include <dlfcn.h>
#include <fmt/format.h>

#include "configs/library_need.h"

namespace ddl {

namespace {

Error Unusable(std::string_view what, std::string_view where, std::string_view hint) {
  return {what, where, hint, ErrorKind::kInfrastructure};
}

// The library is never unloaded: the driver does not like its callers to go.
const CudaInterface* LoadInterface(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    throw Unusable("no library for GPUs", path.string(),
                   "build with the CUDA toolkit at hand (-DDDL_CUDA=ON insists on it)");
  }
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* why = ::dlerror();
    throw Unusable(
        fmt::format("the library for GPUs cannot be loaded: {}", why ? why : "no reason"),
        path.string(), "install CUDA's libraries of the version that it was built with");
  }
  const auto entry = reinterpret_cast<CudaInterfaceEntry>(::dlsym(library, kCudaInterfaceEntry));
  const CudaInterface* calls = entry == nullptr ? nullptr : entry(kCudaInterfaceVersion);
  if (calls != nullptr && calls->version == kCudaInterfaceVersion &&
      calls->operation_kinds == std::variant_size_v<Operation>) {
    return calls;
  }
  throw Unusable("the library for GPUs is of another version than this program", path.string(),
                 "install both of one build");
}

void Check(int code, const CudaFault& fault) {
  if (code == kCudaDone) return;
  if (code == kCudaOutOfMemory) {
    throw GpuMemoryError(fault.text, "", "use fewer lanes, or free the GPU",
                         ErrorKind::kInfrastructure);
  }
  if (code == kCudaRefused) {
    throw Unusable(
        fmt::format("this GPU or CUDA's library does not run a part of the model: {}", fault.text),
        "", "try another precision or batch_size, or use CPUs");
  }
  throw GpuFault(fault.text, "", "see the driver's own log (dmesg), or use CPUs",
                 ErrorKind::kInfrastructure);
}

std::string UuidText(const unsigned char (&uuid)[16]) {
  std::string text = "GPU-";
  for (std::size_t i = 0; i < sizeof uuid; ++i) {
    const bool begins_group = i == 4 || i == 6 || i == 8 || i == 10;
    text += fmt::format("{}{:02x}", begins_group ? "-" : "", uuid[i]);
  }
  return text;
}

class CudaDevice final : public GpuDevice {
 public:
  CudaDevice(const CudaInterface& calls, int device) : calls_(calls) {
    CudaFault fault{};
    CudaSession* session = nullptr;
    Check(calls_.open(device, &session, &fault), fault);
    session_ = {session, calls_.close};
  }

  void* Allocate(std::size_t bytes) override {
    CudaFault fault{};
    void* at = nullptr;
    Check(calls_.allocate(session_.get(), bytes, &at, &fault), fault);
    return at;
  }
  void* AllocateStaging(std::size_t bytes) override {
    CudaFault fault{};
    void* at = nullptr;
    Check(calls_.allocate_staging(session_.get(), bytes, &at, &fault), fault);
    return at;
  }
  void Upload(void* to, const void* from, std::size_t bytes) override {
    CudaFault fault{};
    Check(calls_.upload(session_.get(), to, from, bytes, &fault), fault);
  }
  void Download(void* to, const void* from, std::size_t bytes) override {
    CudaFault fault{};
    Check(calls_.download(session_.get(), to, from, bytes, &fault), fault);
  }
  std::size_t Compile(std::span<const Operation> operations, std::uint32_t lanes) override {
    std::vector<CudaOperation> told;
    for (const Operation& operation : operations) {
      std::visit(
          [&](const auto& body) {
            told.push_back({.kind = static_cast<std::uint32_t>(operation.index()),
                            .bytes = static_cast<std::uint32_t>(sizeof body),
                            .body = &body});
          },
          operation);
    }
    CudaFault fault{};
    std::size_t program = 0;
    Check(calls_.compile(session_.get(), told.data(), told.size(), lanes, &program, &fault), fault);
    return program;
  }
  void Launch(std::size_t program, std::size_t times) override {
    CudaFault fault{};
    Check(calls_.launch(session_.get(), program, times, &fault), fault);
  }
  void Wait() override {
    CudaFault fault{};
    Check(calls_.wait(session_.get(), &fault), fault);
  }

 private:
  const CudaInterface& calls_;
  std::unique_ptr<CudaSession, void (*)(CudaSession*)> session_{nullptr, nullptr};
};

}  // namespace

CudaLibrary::CudaLibrary(const std::filesystem::path& path) : calls_(LoadInterface(path)) {}

std::size_t CudaLibrary::Count() const {
  CudaFault fault{};
  int count = 0;
  if (calls_->count_devices(&count, &fault) != kCudaDone) {
    throw Unusable(fault.text, "", "install or load the driver, or use CPUs");
  }
  if (count > 0) return static_cast<std::size_t>(count);
  throw Unusable("no GPU", "CUDA_VISIBLE_DEVICES", "let it name one, or use CPUs");
}

CudaGpuFacts CudaLibrary::Device(std::size_t number) const {
  const std::size_t count = Count();
  if (number >= count) {
    throw Unusable(fmt::format("GPU {} of {}", number, count), "",
                   "count from 0, or let CUDA_VISIBLE_DEVICES name more");
  }
  CudaFault fault{};
  CudaDeviceFacts facts{};
  Check(calls_->describe(static_cast<int>(number), &facts, &fault), fault);
  return {.name = facts.name,
          .uuid = UuidText(facts.uuid),
          .major = facts.major,
          .minor = facts.minor,
          .processors = facts.processors,
          .driver = facts.driver,
          .products = facts.products,
          .total_bytes = facts.total_bytes,
          .free_bytes = facts.free_bytes};
}

std::vector<CudaGpuFacts> CudaLibrary::Devices() const {
  std::vector<CudaGpuFacts> devices;
  const std::size_t count = Count();
  for (std::size_t number = 0; number < count; ++number) {
    devices.push_back(Device(number));
  }
  return devices;
}

std::unique_ptr<GpuDevice> CudaLibrary::Open(std::size_t number) const {
  const CudaGpuFacts facts = Device(number);
  if (facts.major < kLeastGpuMajor) {
    throw Unusable(fmt::format("GPU {} ({}) has compute capability {}.{}", number, facts.name,
                               facts.major, facts.minor),
                   "", fmt::format("use one of {}.0 or above, or CPUs", kLeastGpuMajor));
  }
  return std::make_unique<CudaDevice>(*calls_, static_cast<int>(number));
}

std::filesystem::path CudaLibraryPath() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / kGpuLibrary;
}

}  // namespace ddl

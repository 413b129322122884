// What PyTorch's CPU build lacks to keep tensors that say they are on a GPU: a guard, which knows which of
// PRETEND_COUNT devices is the current one, with one stream each, and hooks, which say that the chips are there.
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/detail/MPSHooksInterface.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <cstdlib>

using namespace c10;
#ifdef MPS_CHIP
constexpr DeviceType KIND = DeviceType::MPS;
#else
constexpr DeviceType KIND = DeviceType::CUDA;
#endif

static thread_local DeviceIndex current = 0;
static DeviceIndex count() {
  const char* told = std::getenv("PRETEND_COUNT");
  return told ? std::atoi(told) : 1;
}
static DeviceIndex exchange(DeviceIndex next) {
  DeviceIndex before = current;
  current = next < 0 ? before : next;
  return before;
}
extern "C" int current_device() { return current; }
extern "C" void set_device(int index) { exchange(index); }

struct Guard final : impl::NoOpDeviceGuardImpl<KIND> {
  Device getDevice() const override { return Device(KIND, current); }
  Device exchangeDevice(Device d) const override { return Device(KIND, exchange(d.index())); }
  void setDevice(Device d) const override { exchange(d.index()); }
  void uncheckedSetDevice(Device d) const noexcept override { exchange(d.index()); }
  DeviceIndex deviceCount() const noexcept override { return count(); }
  Stream getStream(Device d) const noexcept override { return Stream(Stream::DEFAULT, d); }
  Stream getNewStream(Device d, int) const override { return Stream(Stream::DEFAULT, d); }
  Stream exchangeStream(Stream s) const noexcept override { return s; }
  void synchronizeStream(const Stream&) const override {}
  void synchronizeDevice(DeviceIndex) const override {}
};
static Guard guard;
static impl::DeviceGuardImplRegistrar registrar(KIND, &guard);
extern "C" void pretend() { impl::DeviceGuardImplRegistrar again(KIND, &guard); }  // a build for CUDA brings its own

template <class Base>
struct Chip : Base {
  void init() const override {}
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  DeviceIndex deviceCount() const override { return count(); }
  DeviceIndex getCurrentDevice() const override { return current; }
  DeviceIndex exchangeDevice(DeviceIndex next) const override { return exchange(next); }
  DeviceIndex maybeExchangeDevice(DeviceIndex next) const override { return exchange(next); }
  void setCurrentDevice(DeviceIndex next) const override { exchange(next); }
  bool isPinnedPtr(const void*) const override { return false; }
  Allocator* getPinnedMemoryAllocator() const override { return c10::GetCPUAllocator(); }
};

namespace at {
#ifdef MPS_CHIP
struct MPSHooks : Chip<MPSHooksInterface> {
  MPSHooks(...) {}
  bool hasMPS() const override { return true; }
};
REGISTER_MPS_HOOKS(MPSHooks);
#else
struct CUDAHooks : Chip<CUDAHooksInterface> {
  CUDAHooks(CUDAHooksArgs) {}
  bool hasCUDA() const override { return true; }
  int getNumGPUs() const override { return count(); }
  DeviceIndex current_device() const override { return current; }
};
// before those of a build for CUDA, if this is one
C10_REGISTER_TYPED_CREATOR_WITH_PRIORITY(CUDAHooksRegistry, "CUDAHooks", c10::REGISTRY_PREFERRED, [](CUDAHooksArgs) -> std::unique_ptr<CUDAHooksInterface> { return std::make_unique<CUDAHooks>(CUDAHooksArgs{}); });
#endif
} // namespace at

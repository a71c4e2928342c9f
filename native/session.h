#ifndef CALIBR8_SESSION_H_
#define CALIBR8_SESSION_H_

#include <napi.h>

#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include "engine.h"
#include "outbox.h"
#include "results.h"

namespace calibr8 {

/** The JS class `Session`: checks arguments, makes promises, and passes plain structs to the streams and
 * back. */
class Session : public Napi::ObjectWrap<Session> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit Session(const Napi::CallbackInfo& info);
  ~Session() override;

  /** Gives runs under way up and joins the streams: nobody will hear of them. Everything is refused
   * afterwards. */
  void stop();

 private:
  /** A promise and what has to happen for it. */
  struct Task {
    explicit Task(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
    Napi::Promise::Deferred deferred;
    /** On a stream's thread. */
    std::function<void(StreamContext&)> work;
    /** On the JS thread, after work. */
    std::function<Napi::Value(Napi::Env)> finish;
    std::exception_ptr error;
    /** Kept alive until the promise settles. */
    Napi::ObjectReference held;
  };

  static void deliver(Napi::Env env, Napi::Function callback, Session* session, void* nothing);
  static void onEnvironmentExit(void* session);
  using Queue = Napi::TypedThreadSafeFunction<Session, void, deliver>;

  Napi::Value compile(const Napi::CallbackInfo& info);
  Napi::Value place(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value runHere(const Napi::CallbackInfo& info);
  Napi::Value profile(const Napi::CallbackInfo& info);
  Napi::Value commitStatistics(const Napi::CallbackInfo& info);
  Napi::Value readStatistics(const Napi::CallbackInfo& info);
  Napi::Value readPending(const Napi::CallbackInfo& info);
  Napi::Value lookOut(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  /** Makes a promise of what `prepare` sets up; what it throws rejects the promise. */
  template <typename Prepare>
  Napi::Value promised(Napi::Env env, Prepare prepare);

  Engine& engine() const;
  void requireEngine() const;
  Engine& statisticsEngine() const;
  void submit(std::unique_ptr<Task> task);
  void settleAll(Napi::Env env, std::vector<std::unique_ptr<Task>> tasks);
  void settle(Napi::Env env, Task& task);
  void reportMemory(Napi::Env env);
  /** The arguments of run() and profile(): the program, its inputs copied, its outputs, which the caller has
   * to keep alive. */
  std::shared_ptr<PlacedProgram> readRun(const Napi::CallbackInfo& info, RunBuffers& buffers, Inputs inputs);
  /** Frees everything; the streams are idle or told to give up. */
  void shutDown();
  void finishClosing(Napi::Env env);

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Streams> streams_;
  Queue queue_;
  size_t pending_ = 0;
  /** Of the pending tasks those that have ended. */
  Outbox<std::unique_ptr<Task>> ended_;
  bool closing_ = false;
  bool hooked_ = false;
  int64_t reportedBytes_ = 0;
  std::vector<Napi::Promise::Deferred> closers_;
};

}  // namespace calibr8

#endif  // CALIBR8_SESSION_H_

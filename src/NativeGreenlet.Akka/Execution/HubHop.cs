using Akka.Dispatch;

namespace NativeGreenlet.Akka.Execution;

/// <summary>Completes when a hub has run it: whoever awaits it goes on after what the thread does now.</summary>
internal sealed class HubHop : TaskCompletionSource, IRunnable
{
    /// <inheritdoc />
    public void Run() => TrySetResult();

    /// <inheritdoc cref="Run" />
    public void Execute() => Run();
}

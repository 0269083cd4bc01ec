using System.Runtime.InteropServices;

namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>A signal that starts a task of a run. Its run knows it for as long as it is registered: who waits meanwhile
/// may be woken by the signal, so that no wait of the run is a deadlock.</summary>
internal sealed class SignalRegistration : IDisposable
{
    private readonly RootTask _run;
    private readonly PosixSignalRegistration _registration;

    public SignalRegistration(RootTask run, PosixSignal signal, Action spawn)
    {
        _run = run;
        _registration = PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            run.Loop.PostFor(run, spawn);
        });
        run.Add(this);
    }

    /// <summary>From any thread.</summary>
    public void Dispose()
    {
        _run.Remove(this);
        _registration.Dispose();
    }
}

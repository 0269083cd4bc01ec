using System.Runtime.InteropServices;

namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>A signal that starts a task of a run. Its run knows it for as long as it is registered: who waits meanwhile
/// may be woken by the signal, so that no wait of the run is a deadlock.</summary>
internal sealed class SignalRegistration : IDisposable
{
    private readonly RootTask _run;
    private readonly PosixSignalRegistration _registration;
    private volatile bool _isOver;

    public SignalRegistration(RootTask run, PosixSignal signal, Action<SignalRegistration> spawn)
    {
        _run = run;
        _registration = PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            run.Loop.PostFor(run, () =>
            {
                if (!_isOver)
                {
                    spawn(this);
                }
            });
        });
        run.Add(this);
    }

    /// <summary>Whether nothing of it begins any more: a signal that came before may not have reached its task yet.</summary>
    public bool IsOver => _isOver;

    /// <summary>From any thread.</summary>
    public void Dispose()
    {
        _isOver = true;
        _run.Remove(this);
        _registration.Dispose();
    }
}

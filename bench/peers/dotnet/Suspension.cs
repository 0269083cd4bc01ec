using System.Runtime.CompilerServices;

namespace NativeGreenlet.Peer;

/// <summary>What an async method awaits until a call continues it, with an exception or without: the fastest that await
/// can be.</summary>
internal sealed class Suspension : ICriticalNotifyCompletion
{
    private Action? _continuation;
    private Exception? _exception;

    public bool IsCompleted => false;

    public Suspension GetAwaiter() => this;

    public void Continue() => _continuation!();

    public void Fail(Exception exception)
    {
        _exception = exception;
        _continuation!();
    }

    public void GetResult()
    {
        if (_exception is { } exception)
        {
            _exception = null;
            throw exception;
        }
    }

    public void OnCompleted(Action continuation) => _continuation = continuation;

    public void UnsafeOnCompleted(Action continuation) => _continuation = continuation;
}

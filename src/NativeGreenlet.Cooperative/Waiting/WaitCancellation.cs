namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>What a token ends: one wait of a waiter. It is used again if the token can call it no more.</summary>
internal sealed class WaitCancellation(Waiter waiter)
{
    private static readonly Action<object?> s_invoke = state => ((WaitCancellation)state!).Invoke();

    private long _version;

    /// <summary>Registers it for a wait that is about to park. A token that is cancelled ends the wait at once.</summary>
    /// <param name="version">The number of the wait.</param>
    /// <param name="cancellationToken">The token.</param>
    public CancellationTokenRegistration Register(long version, CancellationToken cancellationToken)
    {
        _version = version;
        return cancellationToken.UnsafeRegister(s_invoke, this);
    }

    // On the thread that cancels. The number of the wait keeps a late call from a later wait.
    private void Invoke() => waiter.TryCancel(_version);
}

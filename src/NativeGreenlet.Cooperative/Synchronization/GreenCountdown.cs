using System.ComponentModel;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>Waits until something has happened a number of times, as <see cref="CountdownEvent"/>. Tasks of any hub may
/// wait; any thread may signal.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenCountdown parts = new(2);
///     Hub.Spawn(() =&gt; parts.Signal());
///     Hub.Spawn(() =&gt; parts.Signal());
///     parts.Wait(); // until both have signalled
/// });
/// </code></example>
public sealed class GreenCountdown : IGreenWaitable, IShared
{
    private readonly GreenEvent _reached;
    private int _count;

    /// <summary>Creates a countdown.</summary>
    /// <param name="count">How many signals it takes.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative.</exception>
    public GreenCountdown(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        _count = count;
        _reached = new GreenEvent(count == 0);
    }

    /// <summary>Signals that are missing.</summary>
    public int CurrentCount => Volatile.Read(ref _count);

    /// <summary>Gets a value indicating whether none is missing.</summary>
    public bool IsSet => _reached.IsSet;

    bool IGreenWaitable.IsReady => _reached.IsSet;

    WaitRoom IShared.Room => ((IShared)_reached).Room;

    /// <summary>Counts down.</summary>
    /// <param name="count">By how much.</param>
    /// <returns>Whether that was the last that was missing.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is zero or negative.</exception>
    /// <exception cref="InvalidOperationException">Fewer are missing.</exception>
    public bool Signal(int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        if (Change(-count) != 0)
        {
            return false;
        }

        _reached.Set();
        return true;
    }

    /// <summary>Makes it take more signals.</summary>
    /// <param name="count">How many more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is zero or negative.</exception>
    /// <exception cref="InvalidOperationException">None is missing any more: who waited was told.</exception>
    public void AddCount(int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Change(count);
    }

    /// <summary>Does what <see cref="AddCount"/> does, whose former name this is.</summary>
    /// <param name="count">How many more.</param>
    /// <exception cref="InvalidOperationException">None is missing any more: who waited was told.</exception>
    [Obsolete("Use AddCount.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void Add(int count = 1) => AddCount(count);

    /// <summary>Waits until no signal is missing.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and a signal is missing.</exception>
    public void Wait() => _reached.Wait();

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Wait(CancellationToken cancellationToken) => _reached.Wait(cancellationToken);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long at most.</param>
    /// <returns>Gets a value indicating whether none is missing.</returns>
    public bool Wait(TimeSpan timeout) => Wait(timeout, CancellationToken.None);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Gets a value indicating whether none is missing.</returns>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken) => _reached.Wait(timeout, cancellationToken);

    /// <summary>Describes it and its state, for diagnostics.</summary>
    public override string ToString() => $"a countdown ({CurrentCount} missing)";

    bool IGreenWaitable.TryLink(WaitNode node) => ((IGreenWaitable)_reached).TryLink(node);

    void IGreenWaitable.Unlink(WaitNode node) => ((IGreenWaitable)_reached).Unlink(node);

    private int Change(int change)
    {
        while (true)
        {
            int count = Volatile.Read(ref _count);
            if (count == 0 || count + change < 0)
            {
                throw new InvalidOperationException($"{count} signals are missing; the count cannot change by {change}.");
            }

            if (Interlocked.CompareExchange(ref _count, count + change, count) == count)
            {
                return count + change;
            }
        }
    }
}

using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>A value that changes, and that tasks of any hub can wait for to change. Who is slow sees the latest value, not every one.
/// Any thread may set it.</summary>
/// <remarks>As tokio's <c>watch</c>: for configuration, for a state that others follow.</remarks>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenWatch&lt;int&gt; level = new(0);
///     GreenWatcher&lt;int&gt; watcher = level.Watch();
///     Hub.Spawn(() =&gt; level.Value = 1);
///     Console.WriteLine(watcher.WaitForChange()); // 1
/// });
/// </code></example>
/// <typeparam name="T">The type of the value.</typeparam>
public sealed class GreenWatch<T> : IShared
{
    private readonly WaitRoom _room;
    private T _value;

    /// <summary>Creates it with a first value.</summary>
    /// <param name="value">The value.</param>
    public GreenWatch(T value)
    {
        _room = new WaitRoom(this);
        _value = value;
    }

    /// <summary>Gets or sets the value. Setting it is a change, also to an equal value.</summary>
    public T Value
    {
        get
        {
            lock (_room.Gate)
            {
                return _value;
            }
        }

        set
        {
            _room.Touch();
            lock (_room.Gate)
            {
                _value = value;
                Version++;
                Waiters.WakeAll();
            }
        }
    }

    WaitRoom IShared.Room => _room;

    /// <summary>How often it was set. Under the lock.</summary>
    internal long Version { get; private set; }

    internal WaitQueue Waiters { get; } = new();

    internal WaitRoom Room => _room;

    /// <summary>Begins to watch it: what it is now counts as seen. From any thread.</summary>
    /// <returns>The watcher.</returns>
    public GreenWatcher<T> Watch()
    {
        _room.Touch();
        lock (_room.Gate)
        {
            return new GreenWatcher<T>(this, Version);
        }
    }

    /// <summary>Describes it, for diagnostics.</summary>
    public override string ToString() => "a watched value";

    /// <summary>The value. Under the lock.</summary>
    internal T Read() => _value;
}

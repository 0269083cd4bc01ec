using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// Is a time for tests that moves by itself, to the next timer, whenever every task waits: a sleep of an hour takes no time, and
/// nothing that can still run is overtaken. What tokio calls paused time, and Go's <c>synctest</c> the fake clock of a bubble.
/// </summary>
/// <remarks>
/// <para>Give it to the hubs of a test (<see cref="HubOptions.TimeProvider"/>). The time moves when, in each of them, no task can go on,
/// nothing was posted, and no task waits for something outside: a .NET task, a socket, a file, <see cref="Hub.Offload(Action)"/>, a
/// program. It moves to the first timer that is due, of a hub or of a .NET object that was given this provider, and no
/// farther.</para>
/// <para>A task that waits for <see cref="Task.Delay(TimeSpan, TimeProvider)"/> of this time, for a task of a hub that has this time
/// (<see cref="Hub.InvokeAsync(Action, CancellationToken)"/>), an event, a queue or another task waits inside. Code outside of the hubs,
/// as the thread of the test itself, is not looked at: the time does not wait for it.</para>
/// <para>The check for deadlocks (<see cref="HubOptions.DeadlockPatience"/>) moves no time: if nothing else is due, it counts the real
/// one.</para>
/// </remarks>
/// <example><code>
/// GreenTestTime time = new();
/// Hub.Run(
///     () =>
///     {
///         Hub.Sleep(TimeSpan.FromHours(1)); // returns at once
///         Console.WriteLine(time.GetUtcNow()); // an hour later
///     },
///     new HubOptions { TimeProvider = time });
/// </code></example>
public sealed class GreenTestTime : TimeProvider
{
    // What Task.Delay gives its timer as its state: the task itself, of types that only .NET knows.
    private static readonly HashSet<Type> s_delays = FindDelays();

    private readonly Lock _gate = new();
    private readonly List<TestTimer> _timers = []; // that will fire; a test has few
    private readonly List<HubLoop> _hubs = [];
    private readonly DateTimeOffset _start;
    private long _ticks;
    private long _order;
    private int _calls; // timers whose callbacks run
    private bool _autoAdvance = true;

    /// <summary>Creates a time that begins at midnight of the first of January 2000, UTC.</summary>
    public GreenTestTime()
        : this(new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
    }

    /// <summary>Creates a time.</summary>
    /// <param name="start">When it begins.</param>
    public GreenTestTime(DateTimeOffset start)
    {
        _start = start.ToUniversalTime();
    }

    /// <summary>Gets or sets whether the time moves by itself. If not, only <see cref="Advance"/> moves it. True unless it is
    /// set.</summary>
    public bool AutoAdvance
    {
        get => Volatile.Read(ref _autoAdvance);
        set
        {
            Volatile.Write(ref _autoAdvance, value);
            MoveIfAllWait();
        }
    }

    /// <summary>Gets how much time has gone by since the beginning.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(Volatile.Read(ref _ticks));

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Moves the time forward, from any thread, a task or not. Timers that are due on the way fire in their order, each at its
    /// time.</summary>
    /// <remarks>Callbacks of .NET timers run before it returns; tasks that it wakes run when the hub has its turn.</remarks>
    /// <param name="span">By how much.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    public void Advance(TimeSpan span)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(span, TimeSpan.Zero);
        long end;
        lock (_gate)
        {
            end = checked(_ticks + span.Ticks);
            _calls++; // it does not move by itself meanwhile
        }

        try
        {
            while (TakeDue(end) is { } timer)
            {
                timer.Call();
            }
        }
        finally
        {
            EndCalls();
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => _start + Elapsed;

    /// <inheritdoc/>
    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        TestTimer timer = new(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Describes the time, and what keeps it from moving by itself.</summary>
    /// <returns>A sentence.</returns>
    public override string ToString()
    {
        lock (_gate)
        {
            string[] holders = [.. _hubs.Where(hub => hub.HoldsTestTime).Select(hub => hub.Hub.Name)];
            return $"{GetUtcNow():u}, {_timers.Count} timers"
                + (holders.Length == 0 ? string.Empty : $", held by {string.Join(", ", holders)}: a task runs, or waits for something outside");
        }
    }

    /// <summary>Whether a task is a delay of this time, so that it ends when the time moves. One that is complete already is not: its
    /// waiter is about to go on.</summary>
    internal bool IsDelay(Task task)
    {
        if (task.IsCompleted || !s_delays.Contains(task.GetType()))
        {
            return false;
        }

        lock (_gate)
        {
            return _timers.Exists(timer => timer.State == task);
        }
    }

    /// <summary>Whether the body of an asynchronous task has begun a delay of this time that goes on.</summary>
    internal bool HasDelayOf(HubSynchronizationContext context)
    {
        lock (_gate)
        {
            return _timers.Exists(timer => timer.Context == context);
        }
    }

    /// <summary>Whether a delay of this time was begun on behalf of an operation.</summary>
    internal bool HasDelayOf(TimedOperation operation)
    {
        lock (_gate)
        {
            return _timers.Exists(timer => timer.Operation == operation);
        }
    }

    /// <summary>A hub has this time from now on.</summary>
    internal void Add(HubLoop hub)
    {
        lock (_gate)
        {
            _hubs.Add(hub);
        }
    }

    /// <summary>It has ended.</summary>
    internal void Remove(HubLoop hub)
    {
        lock (_gate)
        {
            _hubs.Remove(hub);
        }

        MoveIfAllWait();
    }

    /// <summary>Moves the time to the next timer if every task waits. From any thread; called by whoever may be the last that something
    /// had to wait for.</summary>
    internal void MoveIfAllWait()
    {
        lock (_gate)
        {
            if (!_autoAdvance || _calls != 0 || _timers.Count == 0 || !_hubs.Exists(hub => hub.TaskCount != 0) || _hubs.Exists(hub => hub.HoldsTestTime))
            {
                return;
            }

            _calls++;
        }

        // Code that goes on in a callback may do anything: not on a hub's thread.
        ThreadPool.UnsafeQueueUserWorkItem(static time => time.MoveOnce(), this, preferLocal: false);
    }

    /// <summary>Moves the time if every task waits and no timer is due.</summary>
    internal void MoveIfNothingIsDue(TimeSpan span)
    {
        lock (_gate)
        {
            if (_autoAdvance && _calls == 0 && _timers.Count == 0 && !_hubs.Exists(hub => hub.HoldsTestTime))
            {
                Volatile.Write(ref _ticks, _ticks + span.Ticks);
            }
        }
    }

    private static HashSet<Type> FindDelays()
    {
        StateProbe probe = new();
        using CancellationTokenSource cancellation = new();
        _ = Task.Delay(TimeSpan.FromDays(1), probe, CancellationToken.None);
        _ = Task.Delay(TimeSpan.FromDays(1), probe, cancellation.Token);
        return probe.Types;
    }

    private void MoveOnce()
    {
        try
        {
            long due;
            lock (_gate)
            {
                due = _timers.Count == 0 || _hubs.Exists(hub => hub.HoldsTestTime) ? -1 : _timers.Min(timer => timer.Due);
            }

            while (due >= 0 && TakeDue(due) is { } timer)
            {
                timer.Call();
            }
        }
        finally
        {
            EndCalls();
        }
    }

    private void EndCalls()
    {
        lock (_gate)
        {
            _calls--;
        }

        MoveIfAllWait();
    }

    // The first timer that is due by then, at whose time it is now; null if there is none any more, and it is that time.
    private TestTimer? TakeDue(long end)
    {
        lock (_gate)
        {
            TestTimer? first = _timers.MinBy(timer => (timer.Due, timer.Order));
            if (first is null || first.Due > end)
            {
                Volatile.Write(ref _ticks, Math.Max(_ticks, end));
                return null;
            }

            Volatile.Write(ref _ticks, Math.Max(_ticks, first.Due));
            _timers.Remove(first);
            if (first.Period > 0)
            {
                first.Due += first.Period;
                Insert(first);
            }

            return first;
        }
    }

    private void Insert(TestTimer timer)
    {
        timer.Order = _order++;
        _timers.Add(timer);
    }

    private sealed class TestTimer(GreenTestTime time, TimerCallback callback, object? state) : ITimer
    {
        private bool _isDisposed;

        public object? State => state;

        /// <summary>Whose body began the delay that this is.</summary>
        public HubSynchronizationContext? Context { get; } =
            state is Task && s_delays.Contains(state.GetType()) ? SynchronizationContext.Current as HubSynchronizationContext : null;

        /// <summary>What began the delay that this is.</summary>
        public TimedOperation? Operation { get; } =
            state is Task && s_delays.Contains(state.GetType()) ? TimedOperation.Current.Value : null;

        public long Due { get; set; }

        public long Order { get; set; }

        public long Period { get; private set; }

        public void Call() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Check(dueTime);
            Check(period);
            lock (time._gate)
            {
                if (_isDisposed)
                {
                    return false;
                }

                time._timers.Remove(this);
                Period = period > TimeSpan.Zero ? period.Ticks : 0;
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    Due = dueTime.Ticks > long.MaxValue - time._ticks ? long.MaxValue : time._ticks + dueTime.Ticks;
                    time.Insert(this);
                }
            }

            // The tasks may all wait already.
            time.MoveIfAllWait();
            return true;
        }

        public void Dispose()
        {
            lock (time._gate)
            {
                _isDisposed = true;
                time._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        private static void Check(TimeSpan span)
        {
            if (span < TimeSpan.Zero && span != Timeout.InfiniteTimeSpan)
            {
                throw new ArgumentOutOfRangeException(nameof(span), span, "A time must not be negative; Timeout.InfiniteTimeSpan stands for never.");
            }
        }
    }

    // Notes the types of the tasks that are the states of timers.
    private sealed class StateProbe : TimeProvider
    {
        public HashSet<Type> Types { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (state is Task)
            {
                Types.Add(state.GetType());
            }

            return new NoTimer();
        }
    }

    private sealed class NoTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}

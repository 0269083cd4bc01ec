namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses in the middle of <see cref="Monitor.Wait(object, int)"/>, in a synchronization context that is asked to
/// wait: above native code of the runtime before .NET 11, above managed code since.</summary>
internal sealed class WaitActivity : Activity
{
    private const int MostMilliseconds = 1;

    // The monitors that greenlets of this thread wait for.
    [ThreadStatic]
    private static List<Gate>? t_gates;

    public override string Name => "wait";

    public override int Weight => 1;

    // A refusal is an exception.
    public override bool AlwaysThrows => true;

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        Gate gate = new(stamp);
        Context context = new(actor, depth, gate);
        SynchronizationContext? before = SynchronizationContext.Current;
        bool isPulsed;
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            lock (gate)
            {
                isPulsed = Monitor.Wait(gate, actor.Random.Next(MostMilliseconds + 1));
                Check.That(Monitor.IsEntered(gate));
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }

        Check.That(!Monitor.IsEntered(gate));
        if (context.Calls == 0)
        {
            Check.Fail("the wait did not ask its synchronization context");
        }

        Check.That(isPulsed == gate.IsPulsed && gate.Is(stamp));
        holdings.Verify();
    }

    /// <summary>What is waited for.</summary>
    private sealed class Gate(int stamp)
    {
        private readonly Cell _cell = new(stamp);

        public bool IsPulsed { get; private set; }

        public bool Is(int stamp) => _cell.Is(stamp);

        public void Pulse()
        {
            lock (this)
            {
                IsPulsed = true;
                Monitor.Pulse(this);
            }
        }
    }

    private sealed class Context : SynchronizationContext
    {
        private readonly Actor _actor;
        private readonly int _depth;
        private readonly Gate _gate;

        public Context(Actor actor, int depth, Gate gate)
        {
            (_actor, _depth, _gate) = (actor, depth, gate);
            SetWaitNotificationRequired();
        }

        public int Calls { get; private set; }

        public override SynchronizationContext CreateCopy() => this;

        public override int Wait(nint[] waitHandles, bool waitAll, int millisecondsTimeout)
        {
            // The thread's, not the greenlet's: the others shall not have it.
            SetSynchronizationContext(null);
            try
            {
                if (Calls++ == 0)
                {
                    LetOthersRun();
                }

                return WaitHelper(waitHandles, waitAll, millisecondsTimeout);
            }
            finally
            {
                SetSynchronizationContext(this);
            }
        }

        private void LetOthersRun()
        {
            List<Gate> gates = t_gates ??= [];
            gates.Add(_gate);
            Cell inside = new(_depth);
            if (_actor.TryPause())
            {
                _actor.Descend(_depth);
            }

            Check.That(inside.Is(_depth));
            _ = gates.Remove(_gate);
            if (gates.Count > 0 && _actor.Once(2))
            {
                Gate other = gates[_actor.Random.Next(gates.Count)];
                if (!other.IsPulsed)
                {
                    other.Pulse();
                }
            }

            if (!_gate.IsPulsed && _actor.Once(3))
            {
                _gate.Pulse();
            }
        }
    }
}

namespace NativeGreenlet.Fuzz.Fibers;

/// <summary>Fibers that are greenlets.</summary>
internal sealed class GreenletHost : FiberHost
{
    public override Fiber NewMain()
    {
        Check.That(Greenlet.Current.IsMain);
        return new GreenletFiber(this, 0, null, Greenlet.Current);
    }

    public override Fiber New(int id, Func<object?, object?> body) => new GreenletFiber(this, id, Current, new Greenlet(body));

    public override bool IsExit(Exception exception) => exception is GreenletExit;

    public override bool IsRefusal(Exception exception) => exception is Refusal or GreenletException { Reason: GreenletError.Pinned };

    private sealed class GreenletFiber(GreenletHost host, int id, Fiber? parent, Greenlet greenlet) : Fiber(id, parent)
    {
        public override bool IsUnstarted => greenlet.State == GreenletState.Unstarted;

        public override bool IsDead => greenlet.IsDead;

        public override object? Switch(object value)
        {
            if (host.Current.Pins > 0)
            {
                return TryLeave(() => greenlet.Switch(value));
            }

            Fiber caller = Leave(this);
            object? result = greenlet.Switch(value);
            caller.VerifyCurrent();
            return result;
        }

        public override object? Throw(Exception exception)
        {
            if (host.Current.Pins > 0)
            {
                return TryLeave(() => greenlet.Throw(exception));
            }

            Fiber caller = Leave(IsUnstarted ? Receiver! : this);
            object? result = greenlet.Throw(exception);
            caller.VerifyCurrent();
            return result;
        }

        public override void Dispose()
        {
            if (IsUnstarted)
            {
                greenlet.Dispose();
                return;
            }

            Fiber caller = Leave(this);
            greenlet.Dispose();
            caller.VerifyCurrent();
        }

        public override void VerifyCurrent()
        {
            Check.That(host.Current == this);
            Check.That(Greenlet.Current == greenlet);
        }

        // Greenlets that are threads can be left anywhere.
        private object? TryLeave(Func<object?> leave)
        {
            if (GreenletRuntime.Backend == GreenletBackend.Threads)
            {
                throw new Refusal();
            }

            // It is refused, or else it must be right, until the caller complains.
            Fiber caller = host.Current;
            host.Current = this;
            try
            {
                return leave();
            }
            finally
            {
                host.Current = caller;
            }
        }

        private Fiber Leave(Fiber target)
        {
            Fiber caller = host.Current;
            host.Current = target;
            host.Switches++;
            return caller;
        }
    }
}

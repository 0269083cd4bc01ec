namespace NativeGreenlet.Fuzz.Fibers;

/// <summary>Something that a body of a trace runs on: a greenlet, or for the control a plain thread.</summary>
internal abstract class Fiber(int id, Fiber? parent)
{
    public int Id { get; } = id;

    /// <summary>Who created it, and continues when it ends; null for the thread itself.</summary>
    public Fiber? Parent { get; } = parent;

    /// <summary>How many exception filters it is in the middle of: no exception may be raised in it there.</summary>
    public int Filters { get; set; }

    /// <summary>How many frames that must not be left it is in the middle of: a switch out of it is refused there.</summary>
    public int Pins { get; set; }

    /// <summary>How many asynchronous calls it is in the middle of continuing, each on the stack of the one before.</summary>
    public int Continuing { get; set; }

    /// <summary>Whether it has been disposed of, though it may not have come to its end yet.</summary>
    public bool IsDying { get; set; }

    /// <summary>Who is disposing of it right now, and continues when it ends or switches up.</summary>
    public Fiber? Killer { get; set; }

    /// <summary>Who continues when this one ends, or switches up.</summary>
    public Fiber? Receiver
    {
        get
        {
            if (Killer is not null)
            {
                return Killer;
            }

            Fiber? receiver = Parent;
            while (receiver is { IsDead: true })
            {
                receiver = receiver.Parent;
            }

            return receiver;
        }
    }

    public abstract bool IsUnstarted { get; }

    public abstract bool IsDead { get; }

    /// <summary>Continues it; returns what the caller is continued with.</summary>
    /// <remarks>Throws what <see cref="FiberHost.IsRefusal"/> knows, and has done nothing, where the caller has
    /// <see cref="Pins"/>.</remarks>
    public abstract object? Switch(object value);

    /// <summary>Raises an exception in it; returns what the caller is continued with.</summary>
    public abstract object? Throw(Exception exception);

    /// <summary>Raises the exception in it that ends it; returns when it has ended or switched up.</summary>
    public abstract void Dispose();

    /// <summary>Fails unless this is what the calling thread executes.</summary>
    public abstract void VerifyCurrent();
}

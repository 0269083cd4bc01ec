namespace NativeGreenlet.Fuzz.Fibers;

/// <summary>Makes the fibers of one run of one trace.</summary>
internal abstract class FiberHost
{
    /// <summary>The fiber that runs. Noted by whoever leaves, because exception filters want to know before anybody else
    /// could.</summary>
    public Fiber Current { get; set; } = null!;

    /// <summary>Switches so far.</summary>
    public int Switches { get; protected set; }

    /// <summary>The fiber of the calling thread's own stack.</summary>
    public abstract Fiber NewMain();

    /// <summary>One that runs a function of the first value it is switched to with. Its parent is the current one.</summary>
    public abstract Fiber New(int id, Func<object?, object?> body);

    /// <summary>Whether an exception is the one that ends fibers.</summary>
    public abstract bool IsExit(Exception exception);

    /// <summary>Whether an exception says that the stack cannot be left.</summary>
    public abstract bool IsRefusal(Exception exception);
}

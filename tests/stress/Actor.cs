namespace NativeGreenlet.Stress;

/// <summary>What a running body knows about itself. On a greenlet, or, as a control, on a plain thread.</summary>
internal abstract class Actor(int id, Random random, Script script, Figures figures)
{
    [ThreadStatic]
    private static Actor? t_current;

    private int _stamps;
    private int _filters;

    /// <summary>The one whose body this thread executes: for code that is not given it.</summary>
    public static Actor Current => t_current!;

    public int Id { get; } = id;

    public Random Random { get; } = random;

    public Figures Figures { get; } = figures;

    /// <summary>Whether an exception may be thrown here: not inside a filter, where plain .NET crashes.</summary>
    public bool MayThrow => _filters == 0;

    /// <summary>Whether it keeps to activities that an exception from outside may pass through.</summary>
    public bool IsTransparent { get; init; }

    /// <summary>How many asynchronous methods that others called go on on its stack.</summary>
    public int Guests { get; set; }

    /// <summary>Whether it should come to its end.</summary>
    public abstract bool IsEnding { get; }

    /// <summary>Lets others run, and returns some time later.</summary>
    public abstract void Pause();

    /// <summary>The same where the frames in between may forbid to leave: false when that was refused.</summary>
    public abstract bool TryPause();

    /// <summary>A number for contents, different each time.</summary>
    public int Stamp() => Id * 1000 + ++_stamps % 1000;

    /// <summary>True once in so many times.</summary>
    public bool Once(int inTimes) => Random.Next(inTimes) == 0;

    /// <summary>Pauses, or goes on at once.</summary>
    public void MayPause()
    {
        if (Once(2))
        {
            Pause();
        }
    }

    /// <summary>Goes so many activities deeper, and pauses at the bottom.</summary>
    public void Descend(int depth)
    {
        if (IsEnding)
        {
            return;
        }

        if (depth <= 0)
        {
            Pause();
        }
        else
        {
            script.Pick(this).Play(this, depth - 1);
        }
    }

    public void EnterFilter() => _filters++;

    public void LeaveFilter() => _filters--;

    /// <summary>Notes that this thread executes its body from here on.</summary>
    public void Awake() => t_current = this;
}

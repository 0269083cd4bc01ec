namespace NativeGreenlet.Stress;

/// <summary>
/// One kind of thing in the middle of which a body can pause. It holds contents of its own over its pauses and compares
/// them, and somewhere inside lets the actor descend, so that kinds nest in each other at random.
/// </summary>
internal abstract class Activity
{
    /// <summary>Its name as a scenario of its own.</summary>
    public abstract string Name { get; }

    /// <summary>How often it is picked, against the others.</summary>
    public virtual int Weight => 4;

    /// <summary>Whether every one of its variants throws. Plain .NET crashes when an exception is thrown inside a
    /// filter, so these are not picked there. The others ask <see cref="Actor.MayThrow"/>.</summary>
    public virtual bool AlwaysThrows => false;

    /// <summary>Whether an exception may be raised at any of its pauses and passes through it without harm.</summary>
    public virtual bool IsTransparent => false;

    /// <summary>Whether it works on plain threads, too.</summary>
    public virtual bool WorksOnThreads => true;

    /// <summary>Why it cannot be played here; null where it can.</summary>
    public virtual string? Obstacle => null;

    public abstract void Play(Actor actor, int depth);
}

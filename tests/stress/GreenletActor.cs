namespace NativeGreenlet.Stress;

/// <summary>A body on a greenlet of a crowd.</summary>
/// <remarks>It does not refer to its greenlet, so that a greenlet can be abandoned while its body is suspended.</remarks>
internal sealed class GreenletActor(Crowd crowd, int id, Random random)
    : Actor(id, random, crowd.Script, crowd.Figures)
{
    public Crowd Crowd { get; } = crowd;

    public override bool IsEnding => Crowd.IsEnding;

    /// <summary>Whether it always pauses for its parent, and nobody but its parent continues it.</summary>
    public bool IsPrivate { get; init; }

    /// <summary>While it is paused where others may throw an exception at it: what that shall be stamped with; else 0.</summary>
    public int OpenToThrow { get; private set; }

    public override void Pause() => Crowd.Leave(this);

    public override bool TryPause()
    {
        try
        {
            Crowd.Leave(this);
            return true;
        }
        catch (GreenletException exception) when (exception.Reason == GreenletError.Pinned)
        {
            Figures.Refusals++;
            return false;
        }
    }

    /// <summary>Pauses where others may throw a <see cref="Mishap"/> with this stamp instead of returning.</summary>
    public void PauseOpenToThrow(int stamp)
    {
        OpenToThrow = stamp;
        Crowd.Leave(this);
        OpenToThrow = 0;
    }

    /// <summary>Must be called where what was thrown at it is caught.</summary>
    public void CloseToThrow()
    {
        OpenToThrow = 0;
        Awake();
    }
}

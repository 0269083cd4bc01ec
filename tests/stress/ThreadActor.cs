namespace NativeGreenlet.Stress;

/// <summary>A body on a plain thread: what crashes here, too, is not the greenlets' fault.</summary>
internal sealed class ThreadActor(int id, Random random, Script script, Figures figures, Deadline deadline)
    : Actor(id, random, script, figures)
{
    public override bool IsEnding => deadline.HasPassed;

    public override void Pause()
    {
        switch (Random.Next(8))
        {
            case 0:
                Thread.Sleep(1);
                break;
            case < 4:
                _ = Thread.Yield();
                break;
            default:
                Thread.SpinWait(20);
                break;
        }

        Figures.Resumes++;
    }

    public override bool TryPause()
    {
        Pause();
        return true;
    }
}

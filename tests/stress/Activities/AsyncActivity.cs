namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses inside asynchronous methods that complete on the caller's stack.</summary>
internal sealed class AsyncActivity : Activity
{
    public override string Name => "async";

    public override int Weight => 2;

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        ValueTask<string> task = RunAsync(actor, depth, stamp, actor.MayThrow && actor.Once(2));
        Check.That(task.IsCompletedSuccessfully && task.Result == Holdings.Text(stamp));
        holdings.Verify();
    }

    private static async ValueTask<string> RunAsync(Actor actor, int depth, int stamp, bool throws)
    {
        Cell cell = new(stamp);
        actor.Pause();
        await Task.CompletedTask;
        Check.That(cell.Is(stamp));
        try
        {
            await InnerAsync(actor, depth, stamp, throws);
        }
        catch (Mishap mishap)
        {
            actor.MayPause();
            mishap.Verify(stamp);
        }

        Check.That(cell.Is(stamp));
        return Holdings.Text(stamp);
    }

    private static async Task InnerAsync(Actor actor, int depth, int stamp, bool throws)
    {
        actor.Descend(depth);
        await Task.CompletedTask;
        if (throws)
        {
            Mishap.Throw(actor, stamp);
        }
    }
}

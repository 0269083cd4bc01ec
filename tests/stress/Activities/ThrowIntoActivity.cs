using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses where other greenlets may raise an exception in it instead of returning.</summary>
internal sealed class ThrowIntoActivity : Activity
{
    public override string Name => "throw";

    public override bool AlwaysThrows => true;

    public override bool WorksOnThreads => false;

    public override void Play(Actor actor, int depth)
    {
        GreenletActor self = (GreenletActor)actor;
        int stamp = self.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        try
        {
            Frame(self, stamp, self.Random.Next(4));
        }
        catch (Mishap mishap)
        {
            self.Pause();
            mishap.Verify(stamp);
            holdings.Verify();
        }

        actor.Descend(depth);
        holdings.Verify();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Frame(GreenletActor self, int stamp, int frames)
    {
        Cell cell = new(stamp);
        try
        {
            if (frames == 0)
            {
                self.PauseOpenToThrow(stamp);
            }
            else
            {
                Frame(self, stamp, frames - 1);
            }
        }
        finally
        {
            self.CloseToThrow();
            self.MayPause();
            Check.That(cell.Is(stamp));
        }
    }
}

using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress.Activities;

/// <summary>Greenlets inside greenlets: children that are run to their end, end with an exception, have exceptions thrown
/// into them, are disposed of or abandoned while suspended, and chains of parents.</summary>
internal sealed class SpawnActivity : Activity
{
    private const int ChildDepth = 2;

    public override string Name => "spawn";

    public override bool WorksOnThreads => false;

    public override void Play(Actor actor, int depth)
    {
        GreenletActor self = (GreenletActor)actor;
        int stamp = self.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        depth = Math.Min(depth, ChildDepth);
        switch (self.Random.Next(self.MayThrow ? 8 : 4))
        {
            case 0:
                RunToEnd(self, depth);
                break;
            case 1:
                Adopt(self, depth);
                break;
            case 3 when Build.CanAbandon:
                Abandon(self, depth);
                break;
            case 2 or 3:
                DisposeOf(self, depth);
                break;
            case 4:
                EndWithException(self, depth, stamp);
                break;
            case 5:
                ThrowInto(self, depth, stamp);
                break;
            case 6:
                ThrowBeforeStart(self, stamp);
                break;
            default:
                Chain(self, depth, stamp, self.Random.Next(1, 4));
                break;
        }

        holdings.Verify();
    }

    private static void RunToEnd(GreenletActor self, int depth)
    {
        Crowd.Member child = self.Crowd.NewChild(isTransparent: false, inner =>
        {
            inner.Descend(depth);
            return Crowd.Result(inner);
        });
        while (!child.Greenlet.IsDead)
        {
            _ = self.Crowd.Enter(self, child);
            self.MayPause();
        }
    }

    // A member whose parent we are: when it ends, we are continued, wherever we are by then.
    private static void Adopt(GreenletActor self, int depth)
    {
        if (!self.IsPrivate && self.Crowd.HasRoom)
        {
            self.Crowd.AddMember(depth);
        }

        self.Pause();
    }

    private static void DisposeOf(GreenletActor self, int depth)
    {
        int stamp = self.Stamp();
        bool hasCleanedUp = false;
        Crowd.Member child = self.Crowd.NewChild(isTransparent: true, inner =>
        {
            Holdings holdings = new(stamp, stackalloc int[4]);
            try
            {
                while (!inner.IsEnding)
                {
                    inner.Descend(depth);
                }
            }
            finally
            {
                holdings.Verify();
                hasCleanedUp = true;
            }

            return Crowd.Result(inner);
        });

        for (int i = self.Random.Next(1, 4); i > 0 && !child.Greenlet.IsDead; i--)
        {
            _ = self.Crowd.Enter(self, child);
        }

        // A finally block of the child that pauses keeps it alive for a while.
        while (!child.Greenlet.IsDead)
        {
            child.Greenlet.Dispose();
            self.Awake();
            self.Figures.Resumes++;
        }

        Check.That(hasCleanedUp);
    }

    private static void Abandon(GreenletActor self, int depth)
    {
        self.Crowd.NoteAbandoned();
        StartAndDrop(self, depth);
        self.Pause();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StartAndDrop(GreenletActor self, int depth)
    {
        int stamp = self.Stamp();
        Crowd crowd = self.Crowd;
        Crowd.Member child = crowd.NewChild(isTransparent: true, inner =>
        {
            Holdings holdings = new(stamp, stackalloc int[4]);
            try
            {
                Sink(inner, depth);
            }
            finally
            {
                holdings.Verify();
                crowd.AbandonedAndKilled++;
            }

            return Crowd.Result(inner);
        });
        _ = crowd.Enter(self, child);
        Check.That(!child.Greenlet.IsDead);
    }

    // Pauses for ever, a few frames deep.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Sink(GreenletActor inner, int depth)
    {
        Holdings holdings = new(depth, stackalloc int[4]);
        while (true)
        {
            if (depth == 0)
            {
                inner.Pause();
            }
            else
            {
                Sink(inner, depth - 1);
            }

            holdings.Verify();
        }
    }

    private static void EndWithException(GreenletActor self, int depth, int stamp)
    {
        Crowd.Member child = self.Crowd.NewChild(isTransparent: false, inner =>
        {
            inner.Descend(depth);
            Mishap.Throw(inner, stamp);
            return null;
        });
        try
        {
            while (true)
            {
                _ = self.Crowd.Enter(self, child);
                self.MayPause();
            }
        }
        catch (Mishap mishap)
        {
            Check.That(child.Greenlet.IsDead);
            self.Pause();
            mishap.Verify(stamp);
        }
    }

    private static void ThrowInto(GreenletActor self, int depth, int stamp)
    {
        bool catches = self.Once(2);
        Crowd.Member child = self.Crowd.NewChild(isTransparent: true, inner =>
        {
            Holdings holdings = new(stamp, stackalloc int[4]);
            try
            {
                Sink(inner, depth);
            }
            catch (Mishap mishap) when (catches)
            {
                inner.Awake();
                inner.Pause();
                mishap.Verify(stamp);
            }
            finally
            {
                holdings.Verify();
            }

            return Crowd.Result(inner);
        });
        _ = self.Crowd.Enter(self, child);
        self.MayPause();
        try
        {
            _ = self.Crowd.Throw(self, child, new Mishap(self, stamp));
            Check.That(catches && !child.Greenlet.IsDead);
            _ = self.Crowd.Enter(self, child);
        }
        catch (Mishap mishap)
        {
            Check.That(!catches);
            self.MayPause();
            mishap.Verify(stamp);
        }

        Check.That(child.Greenlet.IsDead);
    }

    private static void ThrowBeforeStart(GreenletActor self, int stamp)
    {
        Crowd.Member child = self.Crowd.NewChild(isTransparent: false, _ =>
        {
            Check.Fail("it was killed before it began");
            return null;
        });
        try
        {
            _ = self.Crowd.Throw(self, child, new Mishap(self, stamp));
            Check.Fail("an exception was lost");
        }
        catch (Mishap mishap)
        {
            self.Pause();
            mishap.Verify(stamp);
            Check.That(child.Greenlet.IsDead);
        }
    }

    // An exception climbs from the innermost child through all its parents.
    private static void Chain(GreenletActor self, int depth, int stamp, int length)
    {
        Holdings holdings = new(stamp + length, stackalloc int[4]);
        Crowd.Member child = self.Crowd.NewChild(isTransparent: false, inner =>
        {
            if (length > 0)
            {
                Chain(inner, depth, stamp, length - 1);
            }
            else
            {
                inner.Descend(depth);
            }

            Mishap.Throw(inner, stamp);
            return null;
        });
        try
        {
            while (true)
            {
                _ = self.Crowd.Enter(self, child);
            }
        }
        catch (Mishap mishap)
        {
            self.MayPause();
            mishap.Verify(stamp);
            holdings.Verify();
        }
    }
}

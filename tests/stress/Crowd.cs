using System.Globalization;

namespace NativeGreenlet.Stress;

/// <summary>
/// The greenlets of one round on one thread. Each pauses by switching to home, where the thread's main greenlet picks
/// another one, or directly to any other member: in random order, last in first out only by chance.
/// </summary>
internal sealed class Crowd
{
    private const int MostDepth = 6;
    private const int HomeId = 0;

    private readonly Deadline _deadline;
    private readonly Random _random;
    private readonly List<Member> _members = [];
    private readonly Member _home;
    private readonly int _mostMembers;
    private readonly int _stackSize;
    private int _ids;
    private int _abandoned;

    public Crowd(Script script, Figures figures, Deadline deadline, int seed, int greenlets, int stackSize)
    {
        Script = script;
        Figures = figures;
        _deadline = deadline;
        _random = new Random(seed);
        _mostMembers = 2 * greenlets;
        _stackSize = stackSize;
        _home = new Member(Greenlet.Current, new GreenletActor(this, HomeId, new Random(seed)));
        Check.That(_home.Greenlet.IsMain);
        for (int i = 0; i < greenlets; i++)
        {
            AddMember(MostDepth);
        }
    }

    public Script Script { get; }

    public Figures Figures { get; }

    public bool IsEnding => _deadline.HasPassed;

    /// <summary>Greenlets that were abandoned and have been killed since.</summary>
    public int AbandonedAndKilled { get; set; }

    /// <summary>Whether there is room for another member.</summary>
    public bool HasRoom => _members.Count < _mostMembers;

    /// <summary>Runs every member to its end.</summary>
    public void Drive()
    {
        while (_members.Count > 0)
        {
            int index = _random.Next(_members.Count);
            Member member = _members[index];
            if (member.Greenlet.IsDead)
            {
                _members[index] = _members[^1];
                _members.RemoveAt(_members.Count - 1);
                continue;
            }

            StepSomehow(member);
        }

        VerifyAbandoned();
        Figures.Rounds++;
    }

    /// <summary>Adds a member whose parent is the current greenlet.</summary>
    public void AddMember(int depth)
    {
        GreenletActor actor = new(this, ++_ids, new Random(_random.Next()));
        Greenlet greenlet = NewGreenlet(_ => Live(actor, depth));
        _members.Add(new Member(greenlet, actor));
    }

    /// <summary>A child of the current greenlet that only it continues.</summary>
    public Member NewChild(bool isTransparent, Func<GreenletActor, object?> body)
    {
        GreenletActor actor = new(this, ++_ids, new Random(_random.Next())) { IsPrivate = true, IsTransparent = isTransparent };
        Greenlet greenlet = NewGreenlet(_ =>
        {
            actor.Awake();
            return body(actor);
        });
        return new Member(greenlet, actor);
    }

    /// <summary>What a body returns.</summary>
    public static object Result(GreenletActor actor) => new Ended(actor.Id);

    /// <summary>Notes that a child has been let go of.</summary>
    public void NoteAbandoned() => _abandoned++;

    /// <summary>Switches from an actor to somewhere else; returns when something switches back.</summary>
    public void Leave(GreenletActor actor)
    {
        object? received = actor.IsPrivate
            ? Greenlet.Current.Parent!.Switch(new Letter(actor.Id))
            : Continue(actor, Choose(actor));
        actor.Awake();
        VerifyReceived(received);
        Figures.Resumes++;
    }

    /// <summary>Continues a child; returns what it, or whoever else, switches back with.</summary>
    public object? Enter(GreenletActor actor, Member child)
    {
        try
        {
            return child.Greenlet.Switch(new Letter(actor.Id));
        }
        finally
        {
            actor.Awake();
            Figures.Resumes++;
        }
    }

    /// <summary>Continues a child with an exception.</summary>
    public object? Throw(GreenletActor actor, Member child, Exception exception)
    {
        try
        {
            return child.Greenlet.Throw(exception);
        }
        finally
        {
            actor.Awake();
            Figures.Resumes++;
        }
    }

    private static object Live(GreenletActor actor, int mostDepth)
    {
        actor.Awake();
        try
        {
            int plays = actor.Random.Next(1, 4);
            for (int i = 0; i < plays; i++)
            {
                actor.Descend(actor.Random.Next(mostDepth + 1));
            }
        }
        catch (Exception exception)
        {
            Check.Fail($"an exception escaped from actor {actor.Id}", exception);
        }

        return Result(actor);
    }

    private static void VerifyReceived(object? received)
    {
        switch (received)
        {
            case Letter letter:
                letter.Verify();
                break;
            case Ended ended:
                ended.Verify();
                break;
            default:
                Check.Fail($"a switch returned {received ?? "null"}");
                break;
        }
    }

    private static object? Continue(GreenletActor actor, Member target)
    {
        int open = target.Actor.OpenToThrow;
        return open != 0 && actor.Once(2)
            ? target.Greenlet.Throw(new Mishap(actor, open))
            : target.Greenlet.Switch(new Letter(actor.Id));
    }

    private Greenlet NewGreenlet(Func<object?, object?> run) => new(run, new GreenletOptions { StackSize = _stackSize });

    private Member Choose(GreenletActor actor)
    {
        if (actor.Once(2))
        {
            for (int attempt = 0; attempt < 3; attempt++)
            {
                Member member = _members[_random.Next(_members.Count)];
                if (member.Actor != actor && !member.Greenlet.IsDead)
                {
                    return member;
                }
            }
        }

        return _home;
    }

    private void Step(Member member)
    {
        object? received = Continue(_home.Actor, member);
        _home.Actor.Awake();
        VerifyReceived(received);
        Figures.Resumes++;
    }

    // The main greenlet's own stack is parked in every manner, too.
    private void StepSomehow(Member member)
    {
        GreenletActor home = _home.Actor;
        int stamp = home.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        switch (_random.Next(24))
        {
            case 0:
                try
                {
                    Mishap.Throw(home, stamp);
                }
                catch (Mishap mishap)
                {
                    Step(member);
                    mishap.Verify(stamp);
                }

                break;

            case 1:
                try
                {
                    Mishap.Throw(home, stamp);
                }
                catch (Mishap mishap) when (StepInFilter(member, mishap, stamp))
                {
                    mishap.Verify(stamp);
                }

                break;

            case 2:
                try
                {
                    try
                    {
                        Mishap.Throw(home, stamp);
                    }
                    finally
                    {
                        Step(member);
                    }
                }
                catch (Mishap mishap)
                {
                    mishap.Verify(stamp);
                }

                break;

            default:
                Step(member);
                break;
        }

        holdings.Verify();
    }

    private bool StepInFilter(Member member, Mishap mishap, int stamp)
    {
        Step(member);
        mishap.Verify(stamp);
        return true;
    }

    // Those that nobody refers to any more are killed here at the latest.
    private void VerifyAbandoned()
    {
        if (_abandoned == AbandonedAndKilled)
        {
            return;
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        Check.That(Greenlet.Current == _home.Greenlet);
        if (_abandoned != AbandonedAndKilled)
        {
            Check.Fail(string.Create(CultureInfo.InvariantCulture, $"{_abandoned} greenlets were abandoned, {AbandonedAndKilled} of them were killed"));
        }
    }

    /// <summary>A greenlet and what its body knows.</summary>
    public sealed record Member(Greenlet Greenlet, GreenletActor Actor);

    /// <summary>What is passed with a switch.</summary>
    private sealed class Letter(int from)
    {
        private readonly Cell _cell = new(from);

        public void Verify() => Check.That(_cell.Is(from));
    }

    /// <summary>What a body returns.</summary>
    private sealed class Ended(int id)
    {
        private readonly Cell _cell = new(id);

        public void Verify() => Check.That(_cell.Is(id));
    }
}

using System.Dynamic;
using Microsoft.CSharp.RuntimeBinder;

namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses inside calls that are bound at run time. The binder compiles them, and may throw while it does.</summary>
internal sealed class DynamicActivity : Activity
{
    public override string Name => "dynamic";

    public override int Weight => 2;

    public override bool AlwaysThrows => true;

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        switch (actor.Random.Next(3))
        {
            case 0:
                dynamic target = new Target(actor, depth);
                dynamic number = stamp;
                int sum = target.AddOne(number);
                Check.That(sum == stamp + 1);
                break;

            case 1:
                dynamic bag = new ExpandoObject();
                bag.Cell = new Cell(stamp);
                bag.Run = (Func<int, string>)(value =>
                {
                    actor.Descend(depth);
                    return Holdings.Text(value);
                });
                string text = bag.Run(stamp);
                Check.That(text == Holdings.Text(stamp));
                Check.That(bag.Cell.Is(stamp));
                break;

            default:
                try
                {
                    actor.Figures.Exceptions++;
                    dynamic wrong = new Cell(stamp);
                    wrong.Vanish();
                    Check.Fail("an exception was lost");
                }
                catch (RuntimeBinderException)
                {
                    actor.Descend(depth);
                }

                break;
        }

        holdings.Verify();
    }

    public sealed class Target
    {
        private readonly Actor _actor;
        private readonly int _depth;

        internal Target(Actor actor, int depth)
        {
            _actor = actor;
            _depth = depth;
        }

        public int AddOne(int number)
        {
            Cell cell = new(number);
            _actor.Pause();
            Check.That(cell.Is(number));
            _actor.Descend(_depth);
            Check.That(cell.Is(number));
            return number + 1;
        }
    }
}

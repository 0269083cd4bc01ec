using NativeGreenlet.Stress.Activities;

namespace NativeGreenlet.Stress;

/// <summary>The activities that the actors of a run choose from.</summary>
internal sealed class Script
{
    private static readonly HoldActivity s_hold = new();

    private readonly Activity[] _urn;

    private Script(IEnumerable<Activity> activities)
    {
        _urn = [.. activities.SelectMany(activity => Enumerable.Repeat(activity, activity.Weight))];
    }

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsEmpty => _urn.Length == 0;

    public static IReadOnlyList<Activity> All { get; } =
    [
        s_hold,
        new CatchActivity(),
        new FilterActivity(),
        new StaticConstructorActivity(),
        new InvokeActivity(),
        new SortActivity(),
        new NativeCallbackActivity(),
        new ActivatorActivity(),
        new DynamicActivity(),
        new IteratorActivity(),
        new GeneratedCodeActivity(),
        new AsyncActivity(),
        new RuntimeAsyncActivity(),
        new TailCallActivity(),
        new LoaderActivity(isInsideTypeLoad: true),
        new LoaderActivity(isInsideTypeLoad: false),
        new WaitActivity(),
        new CxxActivity(),
        new ThrowIntoActivity(),
        new SpawnActivity(),
    ];

    /// <summary>A script of some activities, without those that cannot be played here.</summary>
    public static Script Of(IEnumerable<Activity> activities, bool onThreads) =>
        new(activities.Where(activity => activity.Obstacle is null && (!onThreads || activity.WorksOnThreads)));

    /// <summary>An activity that the actor may do where it is now. Holding contents is always possible.</summary>
    public Activity Pick(Actor actor)
    {
        for (int attempt = 0; attempt < 4; attempt++)
        {
            Activity activity = _urn[actor.Random.Next(_urn.Length)];
            if ((actor.MayThrow || !activity.AlwaysThrows) && (!actor.IsTransparent || activity.IsTransparent))
            {
                return activity;
            }
        }

        return s_hold;
    }
}

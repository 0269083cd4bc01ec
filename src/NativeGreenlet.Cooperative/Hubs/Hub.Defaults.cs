using System.ComponentModel;
using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative;

// What was set for the whole process before a hub had options.
public sealed partial class Hub
{
    /// <summary>Gets or sets <see cref="HubOptions.DeadlockPatience"/> of every hub there is and of those to come that are given no
    /// options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is set to a negative time.</exception>
    [Obsolete("Set HubOptions.DeadlockPatience, and give the options to Hub.Run, new Hub or new HubPool.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static TimeSpan DeadlockPatience
    {
        get => HubOptions.Default.DeadlockPatience;
        set => ForEveryHub(options => options.DeadlockPatience = value);
    }

    /// <summary>Gets or sets <see cref="HubOptions.ShutdownGrace"/> of every hub there is and of those to come that are given no
    /// options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is set to a negative time.</exception>
    [Obsolete("Set HubOptions.ShutdownGrace, and give the options to Hub.Run, new Hub or new HubPool.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static TimeSpan ShutdownGrace
    {
        get => HubOptions.Default.ShutdownGrace;
        set => ForEveryHub(options => options.ShutdownGrace = value);
    }

    /// <summary>Gets or sets <see cref="HubOptions.KeepsSpawnStacks"/> of every hub there is and of those to come that are given no
    /// options.</summary>
    [Obsolete("Set HubOptions.KeepsSpawnStacks, and give the options to Hub.Run, new Hub or new HubPool.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static bool KeepsSpawnStacks
    {
        get => HubOptions.Default.KeepsSpawnStacks;
        set => ForEveryHub(options => options.KeepsSpawnStacks = value);
    }

    private static void ForEveryHub(Action<HubOptions> set)
    {
        set(HubOptions.Default);
        foreach (HubLoop loop in HubRegistry.All)
        {
            set(loop.Options);
        }
    }
}

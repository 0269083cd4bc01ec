using NativeGreenlet.Diagnostics;
using NativeGreenlet.Runtime;

namespace NativeGreenlet;

/// <summary>Tells how greenlets work in this process, and why.</summary>
/// <example><code>
/// Console.WriteLine(GreenletRuntime.Description);
/// Console.WriteLine(GreenletRuntime.SelfTest());
/// </code></example>
public static class GreenletRuntime
{
    /// <summary>
    /// Gets the way stacks are switched. Chosen once, at the first use: <see cref="GreenletBackend.Segments"/> on a runtime
    /// that we know, or <see cref="GreenletBackend.Slices"/> if its collector is conservative, else
    /// <see cref="GreenletBackend.Threads"/>. The environment variable <c>NATIVEGREENLET_BACKEND</c>
    /// (<c>segments</c>, <c>slices</c> or <c>threads</c>) overrides.
    /// </summary>
    /// <exception cref="GreenletException">What that variable asks for cannot be had
    /// (<see cref="GreenletError.NotSupported"/>), or the native library is missing on a platform that it can be built
    /// for (<see cref="GreenletError.NativeLibraryMissing"/>).</exception>
    public static GreenletBackend Backend => BackendSelection.Instance.Backend;

    /// <summary>Gets why <see cref="Backend"/> was chosen, the runtime's version, and what was learned about it.</summary>
    /// <exception cref="GreenletException">As for <see cref="Backend"/>.</exception>
    public static string Description => BackendSelection.Instance.Description;

    /// <summary>
    /// Gets or sets when parked greenlets are frozen, so that collections do not walk their stacks. It is set before the first greenlet
    /// of the process begins, and is <see cref="GreenletFreezing.Auto"/> otherwise; the environment variable
    /// <c>NATIVEGREENLET_FREEZE</c> (<c>off</c>, <c>auto</c> or <c>always</c>) overrides. Reads as <see cref="GreenletFreezing.Off"/> where it cannot be had, or had to be ended: <see cref="Description"/> says
    /// why.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is set to no value of the enumeration.</exception>
    /// <exception cref="InvalidOperationException">It is set after a greenlet has begun.</exception>
    /// <exception cref="GreenletException">As for <see cref="Backend"/>, when it is read.</exception>
    public static GreenletFreezing Freezing
    {
        get => Backend == GreenletBackend.Segments ? FreezeSetting.Mode : GreenletFreezing.Off;
        set
        {
            if (!Enum.IsDefined(value))
            {
                throw new ArgumentOutOfRangeException(nameof(value));
            }

            if (!FreezeSetting.TryAsk(value))
            {
                throw new InvalidOperationException("A greenlet has begun: when greenlets are frozen is settled.");
            }
        }
    }

    /// <summary>
    /// Switches, throws, catches and collects for a fraction of a second and compares what must have survived. It forces
    /// full compacting collections, so it is for a start-up check or a support case, not for every day.
    /// </summary>
    /// <returns>What was run, on which backend.</returns>
    /// <exception cref="GreenletException">Something did not survive, or greenlets cannot run here.</exception>
    public static string SelfTest() => Diagnostics.SelfTest.Run();
}

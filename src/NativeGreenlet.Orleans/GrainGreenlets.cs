using NativeGreenlet.Cooperative;
using NativeGreenlet.Orleans.Engine;
using Orleans;
using Orleans.Runtime;

namespace NativeGreenlet.Orleans;

/// <summary>Runs code in blocking style for a grain where Orleans calls it by something else than a method of its interface: a timer, a stream,
/// an activation.</summary>
/// <example><code>
/// public sealed class Clock : Grain, IGrainWithIntegerKey
/// {
///     public override Task OnActivateAsync(CancellationToken cancellationToken)
///     {
///         this.RegisterGrainTimer(token => this.RunOnGreenletsAsync(Tick, token), TimeSpan.Zero, TimeSpan.FromSeconds(1));
///         return this.RunOnGreenletsAsync(() => Hub.Sleep(TimeSpan.FromMilliseconds(10)), cancellationToken);
///     }
///
///     private void Tick() => Hub.Sleep(TimeSpan.FromMilliseconds(10));
/// }
/// </code></example>
public static class GrainGreenlets
{
    /// <summary>Runs a body on the hub of the grain, in turns of its own. Called in a turn of the grain.</summary>
    /// <param name="grain">The grain.</param>
    /// <param name="body">The body.</param>
    /// <param name="cancellationToken">Makes its next wait throw an <see cref="OperationCanceledException"/>.</param>
    /// <returns>A task that completes when the body has ended, and all that it spawned.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="grain"/> or <paramref name="body"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The caller is in no turn of the grain, or its silo has no greenlets.</exception>
    public static Task RunOnGreenletsAsync(this IGrainBase grain, Action body, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(grain);
        ArgumentNullException.ThrowIfNull(body);
        return SiloHubs.Of(grain.GrainContext).TurnsOf(grain.GrainContext).RunAsync(body, cancellationToken);
    }

    /// <inheritdoc cref="RunOnGreenletsAsync(IGrainBase, Action, CancellationToken)" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    public static Task<T> RunOnGreenletsAsync<T>(this IGrainBase grain, Func<T> body, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(grain);
        ArgumentNullException.ThrowIfNull(body);
        return SiloHubs.Of(grain.GrainContext).TurnsOf(grain.GrainContext).RunAsync(body, cancellationToken);
    }

    /// <inheritdoc cref="RunOnGreenletsAsync(IGrainBase, Action, CancellationToken)" path="/*[not(self::param)]"/>
    /// <param name="grain">The grain.</param>
    /// <param name="body">The body, which is asynchronous. Up to its first <c>await</c> it is on a greenlet; what comes after is in turns of the grain,
    /// and cannot wait in blocking style.</param>
    /// <param name="cancellationToken">Makes its next wait throw an <see cref="OperationCanceledException"/>.</param>
    public static Task RunOnGreenletsAsync(this IGrainBase grain, Func<Task> body, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(body);
        return grain.RunOnGreenletsAsync(() => Hub.Await(body()), cancellationToken);
    }

    /// <inheritdoc cref="RunOnGreenletsAsync(IGrainBase, Func{Task}, CancellationToken)" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    public static Task<T> RunOnGreenletsAsync<T>(this IGrainBase grain, Func<Task<T>> body, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(body);
        return grain.RunOnGreenletsAsync(() => Hub.Await(body()), cancellationToken);
    }
}

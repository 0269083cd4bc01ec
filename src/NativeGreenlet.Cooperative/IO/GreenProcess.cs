using System.ComponentModel;
using System.Diagnostics;
using NativeGreenlet.Cooperative.Diagnostics;
using NativeGreenlet.Cooperative.IO;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>Runs programs while the task is parked.</summary>
/// <example><code>
/// GreenProcessResult result = GreenProcess.Run("git", "rev-parse", "HEAD");
/// Console.WriteLine(result.ExitCode == 0 ? result.Output : result.Error);
/// </code></example>
public static class GreenProcess
{
    /// <summary>Runs a program to its end.</summary>
    /// <param name="fileName">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>Its exit code and what it wrote.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Win32Exception">It cannot be started.</exception>
    public static GreenProcessResult Run(string fileName, params IEnumerable<string> arguments) =>
        Run(new ProcessStartInfo(fileName, arguments));

    /// <inheritdoc cref="Run(string, IEnumerable{string})" path="/*[not(self::param)]"/>
    /// <param name="fileName">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="cancellationToken">Kills the program, and its children, when it is cancelled; when this throws then, it has ended.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static GreenProcessResult Run(string fileName, IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        Run(new ProcessStartInfo(fileName, arguments), cancellationToken);

    /// <summary>Runs a program until it, and all that inherited its output, have closed that. It is killed, with its children,
    /// if the task is, or its time is up; when this throws then, it has ended, and nothing of it is left open here.</summary>
    /// <remarks>Programs are started and killed by threads of the pool: both take long. What a program has started and left
    /// behind, so that it is nobody's child, is not killed with it.</remarks>
    /// <param name="start">What to run; its output is redirected.</param>
    /// <param name="input">What it gets on its standard input.</param>
    /// <param name="timeout">How long it may take; null for no limit.</param>
    /// <returns>Its exit code and what it wrote.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="start"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, and not
    /// <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="TimeoutException">It took longer; the message tells whether it was killed, or had ended and something
    /// that it started holds its output.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Win32Exception">It cannot be started.</exception>
    public static GreenProcessResult Run(ProcessStartInfo start, string? input = null, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(start);
        HubClock.Check(timeout ?? Timeout.InfiniteTimeSpan, nameof(timeout));
        Hub.EnterWait();
        start.UseShellExecute = false;
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        ProcessRun run = new(start, input);
        using Activity? activity = HubActivities.StartProcess(start.FileName);
        try
        {
            if (!Hub.TryAwait(token => Task.Run(() => run.RunAsync(token), CancellationToken.None), timeout ?? Timeout.InfiniteTimeSpan, whenGivenUp: null, Hub.GraceOfThisThread, out GreenProcessResult? result))
            {
                throw new TimeoutException($"{start.FileName} took longer than {timeout}; {run.Ending}.");
            }

            activity?.SetTag("process.exit.code", result.ExitCode);
            return result;
        }
        catch (Exception exception) when (HubActivities.Fail(activity, exception))
        {
            throw;
        }
    }

    /// <inheritdoc cref="Run(ProcessStartInfo, string?, TimeSpan?)" path="/*[not(self::param)]"/>
    /// <param name="start">What to run; its output is redirected.</param>
    /// <param name="cancellationToken">Kills the program, and its children, when it is cancelled; when this throws then, it has ended.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static GreenProcessResult Run(ProcessStartInfo start, CancellationToken cancellationToken) =>
        Run(start, input: null, timeout: null, cancellationToken);

    /// <inheritdoc cref="Run(ProcessStartInfo, string?, TimeSpan?)" path="/*[not(self::param)]"/>
    /// <param name="start">What to run; its output is redirected.</param>
    /// <param name="input">What it gets on its standard input.</param>
    /// <param name="timeout">How long it may take; null for no limit.</param>
    /// <param name="cancellationToken">Kills the program, and its children, when it is cancelled; when this throws then, it has ended.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static GreenProcessResult Run(ProcessStartInfo start, string? input, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Run(start, input, timeout);
    }
}

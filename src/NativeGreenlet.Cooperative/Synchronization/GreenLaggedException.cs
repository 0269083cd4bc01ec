using System.Globalization;

namespace NativeGreenlet.Cooperative;

/// <summary>Thrown to a subscriber of a <see cref="GreenBroadcast{T}"/> that was too slow: items that it had not received were
/// overwritten. It goes on with the oldest that is left.</summary>
/// <example><code>
/// GreenSubscription&lt;int&gt; prices = new GreenBroadcast&lt;int&gt;(capacity: 16).Subscribe();
/// try
/// {
///     Console.WriteLine(prices.Receive());
/// }
/// catch (GreenLaggedException exception)
/// {
///     Console.WriteLine($"{exception.Missed} missed");
/// }
/// </code></example>
public class GreenLaggedException : InvalidOperationException
{
    /// <summary>Creates the exception.</summary>
    public GreenLaggedException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">How far the subscriber lagged.</param>
    public GreenLaggedException(string? message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    /// <param name="message">How far the subscriber lagged.</param>
    /// <param name="innerException">The cause.</param>
    public GreenLaggedException(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal GreenLaggedException(long missed)
        : base(string.Create(CultureInfo.InvariantCulture, $"The subscriber was too slow and missed {missed} items. Receive again to go on with the oldest that is left, or give the broadcast a larger capacity."))
    {
        Missed = missed;
    }

    /// <summary>Gets the number of items that the subscriber will not receive.</summary>
    public long Missed { get; }
}

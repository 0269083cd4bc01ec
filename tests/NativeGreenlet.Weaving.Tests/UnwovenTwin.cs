namespace NativeGreenlet.Weaving.Tests;

/// <summary>Code of this project that is not woven, because it is that of a twin.</summary>
[GreenletTwin(typeof(Missing))]
public static class UnwovenTwin
{
    /// <summary>A type that nothing calls.</summary>
    public static class Missing
    {
    }

    /// <summary>Enters and leaves a lock so often.</summary>
    public static int Original(object gate, int count)
    {
        int sum = 0;
        for (int i = 0; i < count; i++)
        {
            lock (gate)
            {
                sum++;
            }
        }

        return sum;
    }

    /// <summary>Makes a local whose values are those of threads.</summary>
    public static ThreadLocal<T> NewLocal<T>(Func<T>? factory, bool? trackAllValues) => (factory, trackAllValues) switch
    {
        (null, false) => new ThreadLocal<T>(),
        (null, true) => new ThreadLocal<T>(trackAllValues: true),
        (_, null) => new ThreadLocal<T>(factory!),
        (_, true) => new ThreadLocal<T>(factory, trackAllValues: true),
        _ => new ThreadLocal<T>(factory),
    };

    /// <summary>Sends by the system's call.</summary>
    public static int Send(System.Net.Sockets.Socket socket, byte[] bytes) => socket.Send(bytes);
}

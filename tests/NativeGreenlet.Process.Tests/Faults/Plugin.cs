namespace NativeGreenlet.Tests.Faults;

/// <summary>What <see cref="LoadContextTests"/> runs in other load contexts, where it is another type.</summary>
public static class Plugin
{
    /// <summary>Where it counts, for all contexts, how often its cleanup ran.</summary>
    public const string CleanupCount = "NativeGreenlet.Tests.Cleanups";

    private static readonly string s_name = "plugin";

    /// <summary>The same, of one context.</summary>
    public static int Cleanups { get; set; }

    /// <summary>A greenlet that is suspended in this context's code.</summary>
    /// <param name="isInCatch">Whether inside a catch block.</param>
    public static Greenlet Park(bool isInCatch)
    {
        Greenlet greenlet = new(_ =>
        {
            Holdings holdings = new(7, stackalloc int[10]);
            try
            {
                if (isInCatch)
                {
                    throw new PluginException();
                }

                holdings.Verify();
                return Wait();
            }
            catch (PluginException exception)
            {
                object? result = Wait();
                holdings.Verify();
                Check.That(exception.Context == s_name);
                return result;
            }
            finally
            {
                holdings.Verify();
                Cleanups++;
                AppContext.SetData(CleanupCount, ((int?)AppContext.GetData(CleanupCount) ?? 0) + 1);
            }
        });
        _ = greenlet.Switch();
        return greenlet;
    }

    /// <summary>Parks, switches and collects for a while, with this context's copy of the library.</summary>
    /// <returns>"ok", or why it could not.</returns>
    public static string RunOnThisThread()
    {
        try
        {
            for (int i = 0; i < 5; i++)
            {
                new Bystanders().VerifyAndEnd();
            }

            return "ok";
        }
        catch (GreenletException exception)
        {
            return exception.Message;
        }
    }

    private static string Wait()
    {
        object? value = null;
        do
        {
            value = Greenlet.Current.Parent!.Switch($"{s_name} {value}");
        }
        while (value is not "end");
        return $"{s_name} ended";
    }

    private sealed class PluginException : Exception
    {
        public string Context { get; } = s_name;
    }
}

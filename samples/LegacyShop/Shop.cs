using System.Net;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace NativeGreenlet.LegacyShop;

/// <summary>The shop: years old, and every call in it blocks.</summary>
internal static class Shop
{
    /// <summary>Starts it on a free port.</summary>
    /// <param name="database">The connection string.</param>
    /// <param name="supplier">The address of the supplier.</param>
    /// <param name="isOnGreenlets">Whether requests run on greenlets; else on the thread pool, as they always did.</param>
    public static WebApplication Start(string database, string supplier, bool isOnGreenlets)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        AddServices(builder.Services, database, supplier);
        builder.Services.AddGreenlets(); // this line

        WebApplication app = builder.Build();
        if (isOnGreenlets)
        {
            app.UseGreenlets(); // and this one
        }

        Map(app);
        app.Start();
        return app;
    }

    /// <summary>Adds what the handlers use.</summary>
    public static void AddServices(IServiceCollection services, string database, string supplier)
    {
        services.AddSingleton(NpgsqlDataSource.Create(database));
        services.AddDbContextPool<ShopContext>((provider, options) => options.UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>()), poolSize: 1000);
        services.AddSingleton(new HttpClient { BaseAddress = new Uri(supplier) });
        services.AddScoped<Products>();
        services.AddSingleton<Sales>();
        services.AddSingleton<Stock>();
        services.AddSingleton<Supplier>();
    }

    /// <summary>Adds the handlers.</summary>
    public static void Map(WebApplication app)
    {
        app.MapGet("/quote/{product:int}", (int product, Products products, Stock stock, Sales sales, Supplier supplier) =>
        {
            string name = products.NameOf(product); // EF Core
            int left = stock.LeftOf(product); // Npgsql
            long sold = sales.CountOf(product); // Dapper
            int price = supplier.PriceOf(product); // HttpClient
            return $"{name} costs {price}, {left} left, {sold} sold";
        });
    }
}

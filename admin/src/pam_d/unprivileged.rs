//! Services whose process has no root rights when it asks PAM, so that it cannot read what only root
//! may.

/// Services and why they have no root rights, with the names that Debian 12's packages or the
/// programs themselves give them.
///
/// Not here, since they ask as root: vlock and physlock (setuid), MariaDB (a setuid helper), dovecot,
/// vsftpd and the display managers. Apache's service name is the administrator's choice.
const SERVICES: [(&str, &str); 11] = [
    ("cinnamon-screensaver", "its helper runs as the user"),
    ("hyprlock", "it runs as the user"),
    ("i3lock", "it runs as the user"),
    ("kde", "the screen locker of KDE Plasma runs as the user"),
    ("mate-screensaver", "its dialog runs as the user"),
    ("nginx", "its workers run as www-data or nginx"),
    ("postgresql", "PostgreSQL refuses to run as root"),
    ("radiusd", "FreeRADIUS runs as freerad or radiusd"),
    ("squid", "its helper runs as proxy or squid"),
    ("swaylock", "it runs as the user, and refuses to be setuid"),
    ("xscreensaver", "xscreensaver-auth gives root up before it asks"),
];

/// Why `service` usually has no root rights when it asks PAM; `None` where nothing is known of that.
#[must_use]
pub fn why_without_root(service: &str) -> Option<&'static str> {
    SERVICES.iter().find(|(name, _)| *name == service).map(|(_, why)| *why)
}

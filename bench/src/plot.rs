//! A plot of calls per second, as SVG.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;

/// The scale of the calls per second. The other axis is always logarithmic, to the base 2.
#[derive(Clone, Copy)]
pub(crate) enum Scale {
    Linear,
    Logarithmic,
}

pub(crate) struct Plot {
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    pub(crate) x: &'static str,
    pub(crate) scale: Scale,
}

const TEXT: (&str, u32) = ("sans-serif", 17);

/// The name and the points of a line.
pub(crate) type Line<'a> = (&'a str, Vec<(f64, f64)>);

impl Plot {
    pub(crate) fn draw(&self, directory: &Path, lines: &[Line<'_>]) -> Result<()> {
        let points = || lines.iter().flat_map(|(_, points)| points);
        let xs = points().map(|(x, _)| x.log2());
        let ys = points().map(|(_, y)| self.to_axis(*y));
        let right = xs.clone().fold(1.0, f64::max);
        let left = xs.fold(right, f64::min);
        let most = ys.clone().fold(0.0, f64::max);
        let bottom = match self.scale {
            Scale::Linear => 0.0,
            Scale::Logarithmic => ys.fold(most, f64::min).floor(),
        };
        // Leaves room for the legend above the lines.
        let top = most + (most - bottom) * 0.4;

        let path = directory.join(self.file);
        let area = SVGBackend::new(&path, (900, 540)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 22))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(84)
            .build_cartesian_2d(left..right, bottom..top)?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc("calls per second")
            .x_labels((right - left) as usize + 1)
            .x_label_formatter(&|x| short(x.exp2()))
            .y_label_formatter(&|y| short(self.from_axis(*y)))
            .label_style(TEXT)
            .axis_desc_style(TEXT)
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (index, (name, points)) in lines.iter().enumerate() {
            // Skipped without a point; the other lines keep their colors.
            if points.is_empty() {
                continue;
            }
            let color = Palette99::pick(index).to_rgba();
            let points = points.iter().map(|(x, y)| (x.log2(), self.to_axis(*y)));
            chart
                .draw_series(LineSeries::new(points, color.stroke_width(2)).point_size(3))?
                .label(*name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2))
                });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .label_font(TEXT)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .draw()?;
        area.present()?;
        Ok(())
    }

    fn to_axis(&self, y: f64) -> f64 {
        match self.scale {
            Scale::Linear => y,
            Scale::Logarithmic => y.log10(),
        }
    }

    fn from_axis(&self, y: f64) -> f64 {
        match self.scale {
            Scale::Linear => y,
            Scale::Logarithmic => 10_f64.powf(y),
        }
    }
}

/// Formats a number with few digits: 64, 4.1 k, 1.2 M.
fn short(number: f64) -> String {
    match number {
        number if number >= 1e6 => format!("{:.1} M", number / 1e6),
        number if number >= 1e4 => format!("{:.0} k", number / 1e3),
        number if number >= 1e3 => format!("{:.1} k", number / 1e3),
        number => format!("{number:.0}"),
    }
}
